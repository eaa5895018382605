package event

import (
	"fmt"
	"time"
)

// Version is the version of the envelope that this package writes and reads.
const Version = 1

// Payload is what an event of one kind says. Payloads are pointers to the structs
// of [Catalog]; they must not change after they were published or recorded.
type Payload interface {
	Kind() Kind
}

// Event is one fact, with its envelope.
type Event struct {
	ID      ID
	Kind    Kind
	Schema  int    // version of the payload, from the catalog
	Session string // see CheckSession
	Turn    string // empty outside a turn
	Call    string // the model's call id, empty outside a tool call
	// Seq counts the events of a session from 1, without gaps, in the order of the producer.
	// Zero lets the ledger assign the next one: for sessions written by several processes.
	Seq   uint64
	Time  time.Time // the producer's clock, UTC, microseconds
	Cause ID        // the event that led to this one, or empty
	Actor Actor
	Trace string // 32 hex digits, or empty
	Span  string // 16 hex digits, or empty
	// Masked says what was taken out of the payload before it was recorded; nil when nothing was.
	Masked  *Masked
	Payload Payload
}

// maxLabel bounds turn and call ids, in bytes.
const maxLabel = 256

// check reports the first thing wrong with the envelope.
func (e *Event) check() error {
	if !e.ID.Valid() {
		return fmt.Errorf("event id %q is not a UUID", e.ID)
	}
	entry, ok := Lookup(e.Kind)
	if !ok {
		return fmt.Errorf("event %s: %w: %q", e.ID, ErrUnknownKind, e.Kind)
	}
	if e.Schema != entry.Schema {
		return fmt.Errorf("event %s of kind %s has schema %d, this program knows %d", e.ID, e.Kind, e.Schema, entry.Schema)
	}
	if err := CheckSession(e.Session); err != nil {
		return fmt.Errorf("event %s: %w", e.ID, err)
	}
	if len(e.Turn) > maxLabel || len(e.Call) > maxLabel {
		return fmt.Errorf("event %s: turn or call id longer than %d bytes", e.ID, maxLabel)
	}
	if !actors[e.Actor] {
		return fmt.Errorf("event %s: unknown actor %q", e.ID, e.Actor)
	}
	if e.Cause != "" && !e.Cause.Valid() {
		return fmt.Errorf("event %s: cause %q is not a UUID", e.ID, e.Cause)
	}
	return nil
}
