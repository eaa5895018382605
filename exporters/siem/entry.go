package siem

import (
	"bytes"
	"encoding/json"
	"fmt"
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
}

// Map makes the line of an entry, with its line break. The entry must have an event.
func Map(entry event.Entry, policy *redact.Policy) ([]byte, error) {
	e := entry.Event
	if e == nil {
		return nil, fmt.Errorf("map entry %d: kind %q is not known to this program", entry.Seq, entry.Kind)
	}
	c, _ := event.Lookup(e.Kind)
	view := policy.View(e)
	line := Line{
		Format: Format, Seq: entry.Seq, SessionSeq: entry.SessionSeq, Leaf: entry.Leaf, Received: entry.Received.UTC(),
		ID: e.ID, Kind: e.Kind, Severity: c.Severity, Session: e.Session, Turn: e.Turn, Call: e.Call, Time: e.Time.UTC(),
		Actor: e.Actor, Cause: e.Cause, Trace: e.Trace, Span: e.Span, Fields: map[string]any{}, Redactions: view.Receipts,
	}
	for _, v := range view.Values {
		line.Fields[v.Name] = v.Any
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return nil, fmt.Errorf("map entry %d: %w", entry.Seq, err)
	}
	return b.Bytes(), nil
}
