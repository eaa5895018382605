package codex

import (
	"time"

	"proctor/event"
)

// Report is one event that Codex told of and nobody saw: its turn and call ids begin with [Mark]. ID is made of what the source says, so
// that reading the source again gives the same one.
type Report struct {
	ID                  event.ID
	Session, Turn, Call string
	Cause               event.ID
	Time                time.Time
	Payload             event.Payload
	// Derived: the source does not say this, its end does, so a longer version of the source may say otherwise.
	Derived bool
}
