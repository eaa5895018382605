package executor

import (
	"encoding/json"
	"strings"

	"proctor/event"
	"proctor/internal/responses"
)

// RequestLog turns what happens during model requests into events: attempts,
// stream events, retries and token counts. The reviewer's requests use it too.
type RequestLog struct {
	// Publish takes the events, in order; its error ends the request.
	Publish func(actor event.Actor, p event.Payload) error
	Env     event.AuthEnv
	// Model and Effort are what the requests ask for; Actor is who asks.
	Model, Effort string
	Actor         event.Actor
}

// Observer has the functions that RequestLog serves; the others are nil.
func (l RequestLog) Observer() responses.Observer {
	return responses.Observer{Attempt: l.attempt, Event: l.event, Broken: l.broken, Retry: l.retry, Completed: l.completed}
}

func (l RequestLog) attempt(a responses.Attempt) error {
	return l.Publish(l.Actor, &event.APIRequestPayload{
		Duration: a.Duration.Milliseconds(), Status: a.Status, Error: clip(a.Err, maxError), Attempt: a.Attempt,
		HeaderAttached: a.HeaderAttached, HeaderName: a.HeaderName, Endpoint: a.Endpoint, AuthEnv: l.Env,
		RequestID: clip(a.RequestID, maxLabel), CFRay: clip(a.CFRay, maxLabel),
		AuthError: clip(a.AuthError, maxError), AuthErrorCode: clip(a.AuthErrorCode, maxLabel), Model: l.Model,
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
			p.Delta = event.Secret(clip(d.Delta, maxDelta))
		}
	}
	return l.Publish(l.Actor, p)
}

// broken writes the record that ends a failed stream, as the real CLI does.
func (l RequestLog) broken(b responses.Broken) error {
	return l.Publish(l.Actor, &event.SSEEventPayload{EventKind: "response.completed", Error: clip(b.Err.Error(), maxError)})
}

func (l RequestLog) retry(r responses.Retry) error {
	return l.Publish(l.Actor, &event.StreamRetryPayload{
		Attempt: r.N, Max: r.Max, Delay: r.Delay.Milliseconds(), Message: event.Secret(clip(r.Message, maxError)),
	})
}

func (l RequestLog) completed(c responses.Completed) error {
	u := c.Usage
	total, ttft := u.Input+u.Output, c.TTFT.Milliseconds()
	return l.Publish(l.Actor, &event.SSEEventPayload{
		EventKind: "response.completed", InputTokens: &u.Input, OutputTokens: &u.Output, CachedTokens: &u.Cached,
		CacheWriteTokens: &u.CacheWrite, ReasoningTokens: &u.Reasoning, ToolTokens: &total, TTFT: &ttft,
		ReasoningEffort: l.Effort, ServiceTier: clip(c.ServiceTier, maxLabel),
	})
}
