package siem

import (
	"time"

	"proctor/event"
	"proctor/internal/redact"
)

// Format names the form of a line; a change that breaks readers changes it.
const Format = "proctor.entry/1"

// Line is one entry as it leaves.
type Line struct {
	Format     string           `json:"format"`
	Seq        event.Seq        `json:"seq"`
	SessionSeq uint64           `json:"session_seq"`
	Leaf       event.Hash       `json:"leaf"`
	Received   time.Time        `json:"received"`
	ID         event.ID         `json:"id"`
	Kind       event.Kind       `json:"kind"`
	Severity   event.Severity   `json:"severity"` // OpenTelemetry severity number
	Session    string           `json:"session"`
	Turn       string           `json:"turn,omitempty"`
	Call       string           `json:"call,omitempty"`
	Time       time.Time        `json:"time"`
	Actor      event.Actor      `json:"actor"`
	Cause      event.ID         `json:"cause,omitempty"`
	Trace      string           `json:"trace,omitempty"`
	Span       string           `json:"span,omitempty"`
	Fields     map[string]any   `json:"fields,omitempty"` // of the payload, flat, names as in telemetry
	Redactions []redact.Receipt `json:"redactions,omitempty"`
	Masked     *event.Masked    `json:"masked,omitempty"` // before it was recorded
}

// mapEntry makes the line of an entry.
func mapEntry(entry event.Entry, view redact.View) ([]byte, error) {
	e := entry.Event
	c, _ := event.Lookup(e.Kind)
	out := Line{
		Format: Format, Seq: entry.Seq, SessionSeq: entry.SessionSeq, Leaf: entry.Leaf, Received: entry.Received.UTC(),
		ID: e.ID, Kind: e.Kind, Severity: c.Severity, Session: e.Session, Turn: e.Turn, Call: e.Call, Time: e.Time.UTC(),
		Actor: e.Actor, Cause: e.Cause, Trace: e.Trace, Span: e.Span, Fields: map[string]any{}, Redactions: view.Receipts,
		Masked: e.Masked,
	}
	for _, v := range view.Values {
		out.Fields[v.Name] = v.Any
	}
	return line(out)
}
