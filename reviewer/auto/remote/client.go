package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/responses"
	"proctor/reviewer/auto"
)

// Client is the auto.Model that speaks to a Responses API server.
type Client struct {
	// Stream sends a request: (*responses.Client).Stream of a client made for [Provider].
	Stream func(context.Context, responses.Request, responses.Observer) (responses.Response, error)
	// Observe makes the observer of one attempt, so that its requests and stream events are recorded with the
	// reviewer as actor. Nil observes nothing. An observer that fails ends the review closed.
	Observe func(auto.Prompt) responses.Observer
	// Headers are added to each request.
	Headers map[string]string
}

// Provider limits the client's own retries within one attempt to one of each kind, as the Codex CLI does for reviews.
func Provider(p responses.Provider) responses.Provider {
	one := uint64(1)
	p.RequestMaxRetries, p.StreamMaxRetries = &one, &one
	return p
}

// Ask implements auto.Model.
func (c Client) Ask(ctx context.Context, p auto.Prompt) (auto.Answer, error) {
	request, err := c.request(p)
	if err != nil {
		return auto.Answer{}, err
	}
	var observer responses.Observer
	if c.Observe != nil {
		observer = c.Observe(p)
	}
	var first time.Duration
	told := observer.FirstOutput
	observer.FirstOutput = func(d time.Duration) error {
		first = d
		if told != nil {
			return told(d)
		}
		return nil
	}
	answer, err := c.Stream(ctx, request, observer)
	if err != nil {
		return auto.Answer{}, classify(err)
	}
	u := answer.Usage
	out := auto.Answer{
		Text: lastMessage(answer.Items), FirstOutput: first,
		Usage: event.Usage{Input: u.Input, Cached: u.Cached, CacheWrite: u.CacheWrite, Output: u.Output, Reasoning: u.Reasoning},
	}
	for _, i := range answer.Items {
		out.Items = append(out.Items, i.Raw)
		if i.Call() {
			arguments := i.Arguments
			if i.Type == responses.TypeCustomCall {
				arguments = i.Input
			}
			out.Calls = append(out.Calls, auto.Call{
				ID: i.CallID, Namespace: i.Namespace, Name: i.Name, Arguments: arguments, Custom: i.Type == responses.TypeCustomCall,
			})
		}
	}
	return out, nil
}

func (c Client) request(p auto.Prompt) (responses.Request, error) {
	headers := map[string]string{"x-openai-subagent": "guardian"}
	for name, value := range c.Headers {
		headers[name] = value
	}
	input, err := items(p.Messages)
	if err != nil {
		return responses.Request{}, fmt.Errorf("encode review prompt: %w", err)
	}
	return responses.Request{
		Model: p.Model, Instructions: p.Instructions, Input: input, Tools: p.Tools,
		Reasoning:      responses.Reasoning{Effort: p.Effort},
		PromptCacheKey: "guardian:" + p.Session,
		OutputSchema:   &responses.OutputSchema{Name: responses.OutputSchemaName, Strict: true, Schema: p.Schema},
		Headers:        headers,
	}, nil
}

// lastMessage is the answer: the last message with text in it.
func lastMessage(items []responses.Item) string {
	for i := len(items) - 1; i >= 0; i-- {
		if items[i].Type == responses.TypeMessage && strings.TrimSpace(items[i].Text) != "" {
			return items[i].Text
		}
	}
	return ""
}

// classify says which failures a review may try again: codex-auto-review.md section 5.
func classify(err error) error {
	call := &auto.CallError{Err: err}
	if e, ok := errors.AsType[*responses.HTTPError](err); ok {
		call.After = e.RetryAfter
		call.Retry = auto.RetryStatus(e.Status)
		return call
	}
	if e, ok := errors.AsType[*responses.FailedError](err); ok {
		call.After = e.RetryAfter
		call.Retry = strings.HasPrefix(e.Code, "rate_limit") || strings.HasPrefix(e.Code, "server_")
		return call
	}
	if _, ok := errors.AsType[*responses.ConnectError](err); ok {
		call.Retry = true
	}
	return call
}
