package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"proctor/event"
	"proctor/executor/hook"

	"github.com/google/uuid"
)

// Turn status and call status words.
const (
	Completed   = "completed"
	Failed      = "failed"
	Interrupted = "interrupted"
	Refused     = "refused"
	Running     = "running"
)

// Result of a turn.
type Result struct {
	Status      string // Completed, Failed, Interrupted
	LastMessage string
	// Denied counts calls that were not allowed, SandboxDenials calls that confinement refused, FailedCalls
	// commands that ended with another status than 0 and tools that broke.
	Denied, SandboxDenials, FailedCalls int
}

// MaxPrompt bounds a prompt, in bytes.
const MaxPrompt = 1 << 20

// ErrPromptTooLarge means a prompt above MaxPrompt. Put the text into a file and name the file in the prompt.
var ErrPromptTooLarge = errors.New("prompt too large")

// turn is the state of one turn.
type turn struct {
	s     *Session
	id    string
	model string

	requests, calls int
	firstOutput     bool
	before          event.Usage
	result          Result
	breaker         bool // the circuit breaker ends the turn
	stops           int  // how often Stop hooks sent it on
	more            []json.RawMessage
}

// Turn runs one prompt to its end. The returned error is what made it fail; the
// Result is valid in any case, unless the error wraps event.ErrNotRecorded.
func (s *Session) Turn(ctx context.Context, prompt string, images ...json.RawMessage) (Result, error) {
	if s.opts.Model == nil {
		return Result{Status: Failed}, errors.New("executor options: Model is missing")
	}
	if len(prompt) > MaxPrompt {
		return Result{Status: Failed}, fmt.Errorf("%w: %d bytes, at most %d are allowed; put the text into a file and name the file in the prompt",
			ErrPromptTooLarge, len(prompt), MaxPrompt)
	}
	t := &turn{s: s, id: uuid.Must(uuid.NewV7()).String(), model: s.opts.Request.Model, before: s.Usage()}
	began := s.stream.Now()
	s.progress.TurnStarted()
	item := Message("user", prompt)
	for _, image := range images {
		item = withContent(item, image)
	}
	if len(item) > maxItem {
		return Result{Status: Failed}, fmt.Errorf("%w: %d bytes with its images and escapes, at most %d are allowed", ErrPromptTooLarge, len(item), maxItem)
	}
	// From here on the prompt is durable; only then does it leave the machine.
	blocked, err := t.begin(ctx, prompt, item)
	if err == nil && !blocked {
		err = t.run(ctx)
	}
	if errors.Is(err, event.ErrNotRecorded) {
		return t.result, err
	}
	return t.result, errors.Join(err, t.end(ctx, err, s.stream.Now().Sub(began).Milliseconds()))
}

// begin records the prompt, unless a hook objects to it as a part of the conversation.
func (t *turn) begin(ctx context.Context, prompt string, item json.RawMessage) (blocked bool, err error) {
	s := t.s
	drafts := []event.Draft{
		{Turn: t.id, Payload: &event.TurnStartedPayload{Model: t.model, Effort: s.opts.Request.Reasoning.Effort, History: len(s.snapshot())}},
		{Turn: t.id, Actor: event.User, Payload: &event.UserPromptPayload{Length: utf8.RuneCountInString(prompt), Prompt: event.Secret(prompt)}},
	}
	var more []json.RawMessage
	if s.opts.Hooks.Has(hook.UserPromptSubmit) {
		if _, err := s.stream.RecordAnyway(ctx, drafts...); err != nil {
			return true, err
		}
		if blocked, more, err = t.promptHooks(ctx, prompt); err != nil || blocked {
			return true, err
		}
		drafts = nil
	}
	drafts = append(drafts, event.Draft{Turn: t.id, Actor: event.User, Payload: historyItem(item)})
	for _, m := range more {
		drafts = append(drafts, event.Draft{Turn: t.id, Actor: event.Executor, Payload: historyItem(m)})
	}
	if _, err := s.stream.RecordAnyway(ctx, drafts...); err != nil {
		return true, err
	}
	s.mu.Lock()
	s.history = append(append(s.history, item), more...)
	s.mu.Unlock()
	return false, nil
}

// run asks the model and does what it asks for until it asks for nothing more.
func (t *turn) run(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		calls, err := t.sample(ctx)
		if err != nil {
			return err
		}
		if len(calls) == 0 {
			if more, err := t.goesOn(ctx); err != nil || !more {
				return err
			}
			continue
		}
		t.calls += len(calls)
		if err := t.runCalls(ctx, calls); err != nil {
			return err
		}
		if t.breaker {
			return ErrBreaker
		}
	}
}

// ErrBreaker ends a turn in which the reviewer refused too often.
var ErrBreaker = errors.New("the turn was ended: too many actions in a row were refused by the reviewer; read the refusals with 'proctor replay --last'")

// end records how the turn ended, also when ctx has ended.
func (t *turn) end(ctx context.Context, failure error, millis int64) error {
	t.result.Status = Completed
	payload := &event.TurnCompletedPayload{Duration: millis, Requests: t.requests, Calls: t.calls, LastMessage: event.Secret(t.result.LastMessage)}
	if failure != nil {
		t.result.Status = Failed
		if ctx.Err() != nil {
			t.result.Status = Interrupted
		}
		payload.Error, payload.Breaker = event.Secret(failure.Error()), errors.Is(failure, ErrBreaker)
	}
	payload.Status = t.result.Status
	payload.Thread = t.s.Usage()
	payload.Usage = minus(payload.Thread, t.before)
	if _, err := t.s.stream.RecordAnyway(ctx, event.Draft{Turn: t.id, Payload: payload}); err != nil {
		return err
	}
	switch t.result.Status {
	case Completed:
		t.s.progress.TurnCompleted(payload.Thread, t.result.LastMessage)
	case Failed:
		t.s.progress.TurnFailed(failure.Error())
	}
	return nil
}

func minus(a, b event.Usage) event.Usage {
	return event.Usage{
		Input: a.Input - b.Input, Cached: a.Cached - b.Cached, CacheWrite: a.CacheWrite - b.CacheWrite,
		Output: a.Output - b.Output, Reasoning: a.Reasoning - b.Reasoning,
	}
}

func withContent(item, part json.RawMessage) json.RawMessage {
	var m struct {
		Type    string            `json:"type"`
		Role    string            `json:"role"`
		Content []json.RawMessage `json:"content"`
	}
	if json.Unmarshal(item, &m) != nil {
		return item
	}
	m.Content = append(m.Content, part)
	return encode(m)
}
