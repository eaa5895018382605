package auto

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"proctor/event"
)

// Model answers one prompt. Text is what the model said, empty when it said nothing. An error that
// should be tried again, or not, is a [*CallError]; any other is final.
type Model interface {
	Ask(ctx context.Context, p Prompt) (text string, usage event.Usage, err error)
}

// Prompt is one question to the reviewer model.
type Prompt struct {
	Model, Effort string
	Instructions  string   // our policy: trusted
	Context       []string // user message: project instructions and environment, each an item
	Evidence      []string // user message: transcript and action, each an item
	Schema        json.RawMessage
	// Review, Session, Turn and Call name what is reviewed; Attempt counts from 1.
	Review, Session, Turn, Call string
	Attempt                     int
}

// CallError is a failed model call.
type CallError struct {
	Retry bool
	After time.Duration // what the server asked to wait, 0 if nothing
	Err   error
}

func (e *CallError) Error() string { return e.Err.Error() }

func (e *CallError) Unwrap() error { return e.Err }

// RetryStatus reports whether a review may try again after an HTTP status: the server is at fault, busy (429), or gave up waiting (408).
func RetryStatus(status int) bool { return status >= 500 || status == 429 || status == 408 }

// retry reports whether err may be tried again, and after which wait.
func retry(err error) (bool, time.Duration) {
	call, ok := errors.AsType[*CallError](err)
	if !ok {
		return false, 0
	}
	return call.Retry, call.After
}

// schema is the answer contract for servers that can hold a model to it. Strict schemas need every
// member in required; reviewer.Parse still takes answers without the optional ones.
const schema = `{
  "type": "object",
  "properties": {
    "outcome": {"type": "string", "enum": ["allow", "deny"]},
    "risk_level": {"type": "string", "enum": ["low", "medium", "high", "critical"]},
    "user_authorization": {"type": "string", "enum": ["unknown", "low", "medium", "high"]},
    "rationale": {"type": "string"}
  },
  "required": ["outcome", "risk_level", "user_authorization", "rationale"],
  "additionalProperties": false
}`
