package exporters

import (
	"context"
	"fmt"

	"proctor/event"
)

// Name is that of the destination, Signal what it takes.
func (e *Exporter) Name() string { return e.dest.Name() }

// Signal is logs, metrics, traces or events.
func (e *Exporter) Signal() string { return e.dest.Signal() }

// Rewind takes the destination back to an entry, so that what lies behind it is sent again, or for the first time. It
// never skips: a position at or ahead of the cursor changes nothing. It returns where the cursor was. An attempt on
// its way is waited for.
func (e *Exporter) Rewind(ctx context.Context, to event.Seq) (from event.Seq, err error) {
	if err := e.take(ctx); err != nil {
		return 0, fmt.Errorf("rewind destination %q: an attempt is still waiting for an answer: %w", e.dest.Name(), err)
	}
	defer e.give()
	if err := e.begin(ctx); err != nil {
		return 0, err
	}
	from = e.next
	if to >= from {
		return from, nil
	}
	e.next = to
	e.restart()
	if err := e.keep(to, true); err != nil {
		return from, err
	}
	e.note(func(s *Stats) { s.Next = to })
	return from, nil
}

// Position is the next entry that the destination gets; one that never ran gets its beginning fixed.
func (e *Exporter) Position(ctx context.Context) (event.Seq, error) {
	if err := e.take(ctx); err != nil {
		return 0, fmt.Errorf("look at destination %q: an attempt is still waiting for an answer: %w", e.dest.Name(), err)
	}
	defer e.give()
	if err := e.begin(ctx); err != nil {
		return 0, err
	}
	return e.next, nil
}
