package auto

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"proctor/event"
)

// Model answers one prompt. An error that should be tried again, or not, is a [*CallError]; any other is final.
type Model interface {
	Ask(ctx context.Context, p Prompt) (Answer, error)
}

// Answer is what the model said: a text, empty when it said nothing, or calls of its tools.
type Answer struct {
	Text  string
	Calls []Call
	// Items are the answer as it came; they are sent again when the conversation goes on.
	Items []json.RawMessage
	Usage event.Usage
	// FirstOutput is the time to the first output, 0 when unknown.
	FirstOutput time.Duration
}

// Call is one tool call of the model.
type Call struct {
	ID, Namespace, Name, Arguments string
	Custom                         bool
}

// Inspector runs the reviewer's own tools, which look and change nothing. An error is about the record and ends the review;
// a tool that fails says so in its output.
type Inspector interface {
	// Tools are the definitions for the model.
	Tools() []json.RawMessage
	Inspect(ctx context.Context, p Prompt, c Call) (Output, error)
}

// Output is what a tool call gave: untrusted.
type Output struct {
	Text string
	// Parts are content that is no text: input items such as images, as they are sent.
	Parts []json.RawMessage
}

// The roles of messages.
const (
	User      = "user"
	Developer = "developer"
)

// Message is one piece of a conversation with the model: texts of a role, or items of the model, or the output of a call.
type Message struct {
	Role  string
	Texts []string
	Items []json.RawMessage
	Call  *Call // Output answers it
	Output
}

// Prompt is one question to the reviewer model.
type Prompt struct {
	Model, Effort string
	Instructions  string // our policy: trusted
	// Messages are the conversation up to the question, and the question. They are shared: never changed.
	Messages []Message
	Tools    []json.RawMessage
	Schema   json.RawMessage
	// Review, Session, Turn and Call name what is reviewed; Attempt counts from 1.
	Review, Session, Turn, Call string
	Attempt                     int
	// Sections measure the question.
	Sections []event.ReviewSection
}

// estimate is how many tokens a prompt has, at four bytes each.
func (p Prompt) estimate() int64 {
	n := len(p.Instructions)
	for _, m := range p.Messages {
		n += m.size()
	}
	return int64((n + bytesPerToken - 1) / bytesPerToken)
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
