package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
func (c Client) Ask(ctx context.Context, p auto.Prompt) (string, event.Usage, error) {
	request, err := c.request(p)
	if err != nil {
		return "", event.Usage{}, err
	}
	var observer responses.Observer
	if c.Observe != nil {
		observer = c.Observe(p)
	}
	answer, err := c.Stream(ctx, request, observer)
	if err != nil {
		return "", event.Usage{}, classify(err)
	}
	u := answer.Usage
	usage := event.Usage{Input: u.Input, Cached: u.Cached, CacheWrite: u.CacheWrite, Output: u.Output, Reasoning: u.Reasoning}
	return lastMessage(answer.Items), usage, nil
}

func (c Client) request(p auto.Prompt) (responses.Request, error) {
	project, err := message(p.Context)
	if err != nil {
		return responses.Request{}, err
	}
	evidence, err := message(p.Evidence)
	if err != nil {
		return responses.Request{}, err
	}
	headers := map[string]string{"x-openai-subagent": "guardian"}
	for name, value := range c.Headers {
		headers[name] = value
	}
	return responses.Request{
		Model: p.Model, Instructions: p.Instructions, Input: []json.RawMessage{project, evidence},
		Reasoning:      responses.Reasoning{Effort: p.Effort},
		PromptCacheKey: "guardian:" + p.Session,
		OutputSchema:   &responses.OutputSchema{Name: responses.OutputSchemaName, Strict: true, Schema: p.Schema},
		Headers:        headers,
	}, nil
}

type inputText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func message(texts []string) (json.RawMessage, error) {
	content := make([]inputText, len(texts))
	for i, t := range texts {
		content[i] = inputText{"input_text", t}
	}
	raw, err := json.Marshal(struct {
		Type    string      `json:"type"`
		Role    string      `json:"role"`
		Content []inputText `json:"content"`
	}{"message", "user", content})
	if err != nil {
		return nil, fmt.Errorf("encode review prompt: %w", err)
	}
	return raw, nil
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
