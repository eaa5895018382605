package responses

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// streamReader reads one event stream.
type streamReader struct {
	call    *call
	request int
	start   time.Time // of the HTTP request
	idle    *idleTimer
	// ctx ends with the idle timer, parent with the caller.
	ctx, parent context.Context

	seq   int
	ttft  time.Duration
	items []Item
}

// readAll reads until response.completed. On failure the items finished so far
// move to the call's kept ones.
func (s *streamReader) readAll(body io.Reader) (Response, error) {
	response, err := s.readEvents(newFrames(body))
	if err == nil {
		return response, nil
	}
	s.call.kept = append(s.call.kept, s.items...)
	if _, refused := errors.AsType[*ObserverError](err); refused {
		return Response{}, err
	}
	if e := notify("Broken", s.call.obs.Broken, Broken{Request: s.request, Err: err}); e != nil {
		return Response{}, e
	}
	return Response{}, err
}

func (s *streamReader) readEvents(src *frames) (Response, error) {
	for {
		event, wait, err := s.next(src)
		if err != nil {
			return Response{}, s.broke(err, wait)
		}
		if event == nil {
			continue
		}
		done, err := s.handle(*event, wait)
		if err != nil {
			return Response{}, err
		}
		if done != nil {
			return *done, nil
		}
	}
}

// rawEvent is an event whose data is valid JSON.
type rawEvent struct {
	kind string
	raw  json.RawMessage
}

// next waits for an event. It returns nil for the end mark of the older
// protocol, "[DONE]".
func (s *streamReader) next(src *frames) (*rawEvent, time.Duration, error) {
	now := s.call.client.opts.Now
	begin := now()
	s.idle.start()
	f, err := src.next()
	s.idle.stop()
	wait := now().Sub(begin)
	if err != nil {
		return nil, wait, err
	}
	if bytes.Equal(f.data, []byte("[DONE]")) {
		return nil, wait, nil
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(f.data, &head); err != nil {
		said := foreign(s.call.client.creds.clean(clip(string(f.data), maxSnippet)))
		return nil, wait, &StreamError{Reason: fmt.Sprintf("event %d is not what the Responses API sends (%v): %s", s.seq, err, said), Err: err}
	}
	kind := firstOf(head.Type, f.event)
	if kind == "" {
		return nil, wait, &StreamError{Reason: fmt.Sprintf("event %d has no type", s.seq)}
	}
	return &rawEvent{kind: clip(kind, maxHeaderText), raw: f.data}, wait, nil
}

// broke types and records the end of a transport.
func (s *streamReader) broke(err error, wait time.Duration) error {
	failure, typed := errors.AsType[*StreamError](err)
	switch {
	case s.parent.Err() != nil:
		return context.Cause(s.parent)
	case typed:
	case errors.Is(context.Cause(s.ctx), errIdle):
		failure = &StreamError{Reason: "idle timeout waiting for SSE", Idle: true, Err: err}
	case errors.Is(err, io.EOF):
		// A clean end is no transport error: no event tells of it, Broken does.
		return &StreamError{Reason: "stream closed before response.completed", Err: err}
	case errors.Is(err, errTooBig):
		failure = &StreamError{Reason: err.Error(), Err: err}
	default:
		failure = &StreamError{Reason: "transport error: " + s.call.client.creds.clean(withoutURL(err).Error()), Err: err}
	}
	if e := notify("Event", s.call.obs.Event, StreamEvent{Request: s.request, Seq: s.seq, Wait: wait, Err: failure.Reason}); e != nil {
		return e
	}
	return failure
}

// outcome is what one event means.
type outcome struct {
	item      *Item
	completed *wireResponse
	// err ends the stream; reported is set when the server itself tells of it.
	err      error
	reported bool
}

// handle records one event and acts on it; a Response means the end.
func (s *streamReader) handle(event rawEvent, wait time.Duration) (*Response, error) {
	record := StreamEvent{Request: s.request, Seq: s.seq, Kind: event.kind, Wait: wait, Raw: event.raw}
	s.seq++
	means := s.interpret(event)
	switch {
	case means.reported:
		record.Err = clip(s.call.client.creds.clean(string(event.raw)), maxErrorBody)
	case means.err != nil:
		record.Err = means.err.Error()
	}
	if err := notify("Event", s.call.obs.Event, record); err != nil {
		return nil, err
	}
	if means.err != nil {
		return nil, means.err
	}
	if err := s.firstOutput(event.kind); err != nil {
		return nil, err
	}
	if means.item != nil {
		s.items = append(s.items, *means.item)
		return nil, notify("Item", s.call.obs.Item, *means.item)
	}
	if means.completed != nil {
		return s.completed(means.completed)
	}
	return nil, nil
}

// interpret decodes the few kinds that the client acts on; what is inside any
// other event is the observer's business.
func (s *streamReader) interpret(event rawEvent) outcome {
	switch event.kind {
	case "response.output_item.done":
		return s.finishedItem(event.raw)
	case "response.completed", "response.failed", "response.incomplete", "error":
		return s.finalEvent(event)
	}
	return outcome{}
}

func (s *streamReader) finishedItem(raw json.RawMessage) outcome {
	var wire struct {
		Item json.RawMessage `json:"item"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return outcome{err: &StreamError{Reason: "output item: " + err.Error(), Err: err}}
	}
	item, err := ParseItem(wire.Item)
	if err != nil {
		return outcome{err: &StreamError{Reason: err.Error(), Err: err}}
	}
	item.Request = s.request
	return outcome{item: &item}
}

func (s *streamReader) finalEvent(event rawEvent) outcome {
	var wire struct {
		Response *wireResponse `json:"response"`
		wireFailure
	}
	if err := json.Unmarshal(event.raw, &wire); err != nil {
		return outcome{err: &StreamError{Reason: "read " + event.kind + ": " + err.Error(), Err: err}}
	}
	if wire.Response == nil {
		wire.Response = &wireResponse{}
	}
	problem := wire.Response.Error
	switch event.kind {
	case "response.completed":
		return outcome{completed: wire.Response}
	case "response.incomplete":
		reason := "unknown"
		if wire.Response.Incomplete != nil {
			reason = foreign(wire.Response.Incomplete.Reason)
		}
		return outcome{err: &StreamError{Reason: "incomplete response, reason: " + reason}, reported: true}
	}
	if problem == nil {
		problem = wire.Error
	}
	if problem == nil {
		problem = &wireProblem{Code: wire.Code, Message: wire.Message}
	}
	return outcome{err: s.failed(problem), reported: true}
}

func (s *streamReader) failed(problem *wireProblem) *FailedError {
	e := &FailedError{
		Code:    foreign(firstOf(problem.Code.text(), problem.Type)),
		Message: clip(s.call.client.creds.clean(oneLine(problem.Message)), maxSnippet),
	}
	if strings.HasPrefix(e.Code, "rate_limit") {
		e.RetryAfter = delayInText(e.Message)
	}
	e.Hint = failedHint(e.Code)
	return e
}

func failedHint(code string) string {
	switch code {
	case "context_length_exceeded":
		return "the conversation is longer than the model's context window: start a new session or give it less"
	case "insufficient_quota", "usage_not_included", "usage_limit_reached":
		return "the account's quota is used up: check plan and billing"
	case "invalid_prompt", "cyber_policy":
		return "the service refuses this prompt: rephrase it"
	}
	return ""
}

// firstOutput notices the first output of the stream and of the call.
func (s *streamReader) firstOutput(kind string) error {
	if s.ttft != 0 || !strings.HasSuffix(kind, ".delta") && kind != "response.output_item.done" {
		return nil
	}
	s.ttft = max(s.call.client.opts.Now().Sub(s.start), 1)
	if s.call.firstOutput {
		return nil
	}
	s.call.firstOutput = true
	return notify("FirstOutput", s.call.obs.FirstOutput, s.ttft)
}

// completed ends a good stream.
func (s *streamReader) completed(wire *wireResponse) (*Response, error) {
	response := &Response{ID: wire.ID, Model: wire.Model, ServiceTier: wire.ServiceTier, Items: s.items, Usage: wire.Usage.usage()}
	return response, notify("Completed", s.call.obs.Completed, Completed{
		Request: s.request, ResponseID: wire.ID, Usage: response.Usage, TTFT: s.ttft,
		Duration: s.call.client.opts.Now().Sub(s.start), ServiceTier: wire.ServiceTier,
	})
}
