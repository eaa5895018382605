package responses

import (
	"encoding/json"
	"time"
)

// Observer receives what happens during one Stream call. A nil function is
// skipped. Functions run on the goroutine that called Stream, in order; an
// error from one ends the call (see [ObserverError]).
type Observer struct {
	// Attempt is called once per HTTP request, when its head arrived or it failed.
	Attempt func(Attempt) error
	// Event is called for every stream event, and once with an empty Kind when
	// the transport broke, fell silent or sent something that is no event.
	Event func(StreamEvent) error
	// FirstOutput is called once per Stream call, at the first output of the
	// model, after that event; the time runs from the start of that request.
	FirstOutput func(time.Duration) error
	// Item is called for every finished output item, after its event.
	Item func(Item) error
	// Broken is called once for every stream that ended without
	// response.completed, after its last event.
	Broken func(Broken) error
	// Retry is called before each wait.
	Retry func(Retry) error
	// Completed is called once, after the event response.completed.
	Completed func(Completed) error
}

// Attempt is one HTTP request up to its response head.
type Attempt struct {
	// Request counts the HTTP requests of this Stream call from 0.
	Request int
	// Attempt counts from 0 and restarts at each stream retry.
	Attempt int
	// Duration runs from the start of the request to its head or its failure.
	Duration time.Duration
	// Status is 0 when there was no answer.
	Status int
	// Err is empty on success, "http 500" for a refusing status, else a text.
	Err string
	// Endpoint is the path below base_url: "/responses".
	Endpoint       string
	HeaderAttached bool
	// HeaderName is the header that authenticates, in lower case.
	HeaderName string
	RequestID  string
	CFRay      string
	// AuthError and AuthErrorCode are what the server said about a refused key.
	AuthError     string
	AuthErrorCode string
}

// StreamEvent is one server-sent event.
type StreamEvent struct {
	Request int
	// Seq counts the events of one stream from 0.
	Seq int
	// Kind is the event's type; empty when Err tells of a broken transport.
	Kind string
	// Wait is the time spent waiting for this event.
	Wait time.Duration
	// Err is set for a broken transport, and for an event that reports a
	// failure, in which case it is the whole event.
	Err string
	// Raw is the event's data: valid JSON, or nil when Err tells why.
	Raw json.RawMessage
}

// Broken tells why a stream ended without response.completed.
type Broken struct {
	Request int
	Err     error
}

// RetryLevel tells the two loops apart.
type RetryLevel string

// A request retry repeats a refused or unreachable request and is silent in the
// Codex CLI; a stream retry starts over and is shown to people.
const (
	RetryRequest RetryLevel = "request"
	RetryStream  RetryLevel = "stream"
)

// Retry announces that the call goes on after Delay.
type Retry struct {
	Level RetryLevel
	// N counts from 1 to Max.
	N, Max int
	Delay  time.Duration
	// Message is ready to show: "Reconnecting... 1/5 (reason)".
	Message string
	Err     error
}

// Completed is the end of a good stream.
type Completed struct {
	Request    int
	ResponseID string
	Usage      Usage
	// TTFT runs from the start of this request to its first output; 0 if none.
	TTFT time.Duration
	// Duration runs from the start of this request to response.completed.
	Duration    time.Duration
	ServiceTier string
}

// Usage counts tokens. Known is false when the server sent none.
type Usage struct {
	Known      bool
	Input      int64
	Cached     int64
	CacheWrite int64
	Output     int64
	Reasoning  int64
	Total      int64
}

// Response is what a Stream call collected. It is meaningful beside an error
// too: Kept then holds the items that were finished before the failure.
type Response struct {
	ID          string
	Model       string
	ServiceTier string
	RequestID   string
	Usage       Usage
	// Items are the output of the stream that completed, in order.
	Items []Item
	// Kept are items finished on streams that were cut later, in order.
	Kept []Item
}
