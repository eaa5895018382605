package executor

import (
	"encoding/json"
	"net/http"
	"strings"

	"proctor/event"
	"proctor/internal/responses"
)

// RequestLog turns what happens during model requests into events: attempts,
// stream events, retries and token counts. The reviewer's requests use it too.
type RequestLog struct {
	// Publish takes the events, in order; its error ends the request.
	Publish func(event.Draft) error
	// Filter is of the deltas; nil records them as they come. What it holds back stands in the delta of the next event.
	Filter event.Filter
	Env    event.AuthEnv
	// Model and Effort are what the requests ask for; Actor is who asks.
	Model, Effort string
	Actor         event.Actor
}

// Observer has the functions that RequestLog serves; the others are nil.
func (l RequestLog) Observer() responses.Observer {
	return responses.Observer{Attempt: l.attempt, Event: l.event, Broken: l.broken, Retry: l.retry, Completed: l.completed}
}

func (l RequestLog) attempt(a responses.Attempt) error {
	if err := l.publish(&event.APIRequestPayload{
		Duration: a.Duration.Milliseconds(), Status: a.Status, Error: clip(a.Err, maxError), Attempt: a.Attempt,
		HeaderAttached: a.HeaderAttached, HeaderName: a.HeaderName, Endpoint: a.Endpoint, AuthEnv: l.Env,
		RequestID: clip(a.RequestID, maxLabel), CFRay: clip(a.CFRay, maxLabel),
		AuthError: clip(a.AuthError, maxError), AuthErrorCode: clip(a.AuthErrorCode, maxLabel), Model: l.Model,
	}); err != nil || a.Status != http.StatusUnauthorized {
		return err
	}
	// Nothing can be recovered, since there is only the key that was refused. The real CLI says so in these words.
	return l.publish(&event.AuthRecoveryPayload{
		Mode: "managed", Step: "reload", Outcome: "recovery_not_run", Reason: "not_chatgpt_auth", RequestID: clip(a.RequestID, maxLabel),
		CFRay: clip(a.CFRay, maxLabel), Error: clip(a.AuthError, maxError), ErrorCode: clip(a.AuthErrorCode, maxLabel),
	})
}

func (l RequestLog) event(e responses.StreamEvent) error {
	wait := e.Wait.Milliseconds()
	p := &event.SSEEventPayload{EventKind: clip(e.Kind, maxLabel), Duration: &wait, Error: clip(e.Err, maxError)}
	if strings.HasSuffix(e.Kind, ".delta") {
		var d struct {
			Delta string `json:"delta"`
		}
		if json.Unmarshal(e.Raw, &d) == nil {
			text, removals := l.Filter.Write(clip(d.Delta, maxDelta))
			p.Delta = event.Secret(text)
			return l.publish(p, removals...)
		}
	}
	text, removals := l.Filter.Flush()
	p.Delta = event.Secret(text)
	return l.publish(p, removals...)
}

func (l RequestLog) publish(p event.Payload, removals ...event.Removal) error {
	return l.Publish(event.Draft{Actor: l.Actor, Payload: p, Removals: removals})
}

// broken writes the record that ends a failed stream, as the real CLI does.
func (l RequestLog) broken(b responses.Broken) error {
	text, removals := l.Filter.Flush()
	return l.publish(&event.SSEEventPayload{EventKind: "response.completed", Error: clip(b.Err.Error(), maxError), Delta: event.Secret(text)}, removals...)
}

func (l RequestLog) retry(r responses.Retry) error {
	return l.publish(&event.StreamRetryPayload{
		Attempt: r.N, Max: r.Max, Delay: r.Delay.Milliseconds(), Message: event.Secret(clip(r.Message, maxError)),
	})
}

func (l RequestLog) completed(c responses.Completed) error {
	u := c.Usage
	total, ttft := u.Input+u.Output, c.TTFT.Milliseconds()
	return l.publish(&event.SSEEventPayload{
		EventKind: "response.completed", InputTokens: &u.Input, OutputTokens: &u.Output, CachedTokens: &u.Cached,
		CacheWriteTokens: &u.CacheWrite, ReasoningTokens: &u.Reasoning, ToolTokens: &total, TTFT: &ttft,
		ReasoningEffort: l.Effort, ServiceTier: clip(c.ServiceTier, maxLabel),
	})
}
