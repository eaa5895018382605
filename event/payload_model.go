package event

// Payloads about requests of an agent program of others to the model, seen by the proxy that holds the key.

// ModelRequestPayload is a request, or a piece of it, before it is sent.
type ModelRequestPayload struct {
	RequestID string `json:"request_id"` // of the proxy
	Endpoint  string `json:"endpoint"`
	// Model, Stream, Subagent and Client are what the client says.
	Model    string `json:"model,omitempty"`
	Stream   bool   `json:"stream"`
	Subagent string `json:"subagent,omitempty"` // a conversation beside the main one, such as the reviewer's
	Client   string `json:"client,omitempty"`
	Bytes    int64  `json:"bytes"`          // of the whole body
	Digest   Hash   `json:"request_digest"` // SHA-256 of the whole body, as it is sent
	// Offset is where Body begins in the whole; Last says that nothing follows.
	Offset int64     `json:"offset"`
	Last   bool      `json:"last"`
	Body   Sensitive `json:"body,omitzero"`
}

// ModelAnsweredPayload is the head of an answer, before the client sees it.
type ModelAnsweredPayload struct {
	RequestID       string `json:"request_id"`
	Status          int    `json:"http_status"`
	ContentType     string `json:"content_type,omitempty"`
	ServerRequestID string `json:"server_request_id,omitempty"` // as the server calls the request
	Duration        int64  `json:"duration_ms"`                 // since the request came
}

// ModelEventPayload is one event of an answer, or a piece of it, before the client sees it; of an answer that is no stream, a piece of its body.
type ModelEventPayload struct {
	RequestID string `json:"request_id"`
	Number    int64  `json:"number"`               // from 1
	EventKind string `json:"event_kind,omitempty"` // as the server calls it
	Bytes     int64  `json:"bytes"`                // of the whole event
	Digest    Hash   `json:"event_digest"`         // SHA-256 of the whole event, as it is passed on
	// Offset is where Data begins in the whole; Last says that nothing follows.
	Offset int64 `json:"offset"`
	Last   bool  `json:"last"`
	// Data is the event as it stands in the stream. That of a delta is left out: the event that ends the text has it whole.
	Data Sensitive `json:"data,omitzero"`
}

// ModelEndedPayload says how a request ended.
type ModelEndedPayload struct {
	RequestID string `json:"request_id"`
	// Outcome is completed, cut (by the server), client_left, unreachable, or not_recorded: then the rest was not passed on.
	Outcome  string    `json:"outcome"`
	Status   int       `json:"http_status,omitempty"`
	Events   int64     `json:"events"`
	Bytes    int64     `json:"bytes"` // of the answer
	Usage    Usage     `json:"usage"`
	Duration int64     `json:"duration_ms"`
	Error    Sensitive `json:"error,omitzero"`
	// Unfinished are texts that came in deltas and were not ended.
	Unfinished Sensitive `json:"unfinished,omitzero"`
}

// Kind implements Payload, here and below.
func (*ModelRequestPayload) Kind() Kind  { return ModelRequest }
func (*ModelAnsweredPayload) Kind() Kind { return ModelAnswered }
func (*ModelEventPayload) Kind() Kind    { return ModelEvent }
func (*ModelEndedPayload) Kind() Kind    { return ModelEnded }
