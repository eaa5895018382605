package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// Position is how far a source was taken in: the number of its last message, 0 before the first.
func (l *Ledger) Position(source string) (uint64, error) {
	if err := l.begin(); err != nil {
		return 0, err
	}
	defer l.end()
	return position(l.db, source)
}

// Ingest is Submit for the events of a span. The commit that records them moves the position of the source from After to Upto, so
// that neither is there without the other: a span that is delivered again is refused with [event.ErrPosition], whatever happened in between.
// Spans are taken in the order of the calls; when one is refused, so are all that follow it.
func (l *Ledger) Ingest(span event.Span, encoded []event.Encoded, done func([]event.Receipt, error)) {
	o := l.newOp(encoded, done)
	o.span = &span
	switch {
	case span.Source == "" || len(span.Source) > maxCursorName || span.Upto <= span.After:
		o.refuse(fmt.Errorf("span %d to %d of source %q: malformed", span.After, span.Upto, span.Source))
	case o.refused == nil && o.keeping != nil: // what the ledger acts on is asked for where it lies
		o.refuse(fmt.Errorf("event %s of kind %s is not taken from a source", o.events[0].head.ID, o.events[0].head.Kind))
	}
	l.submit(o)
}

// advance moves the position.
func (c *committer) advance(b batch, s event.Span) error {
	c.positions[s.Source] = s.Upto
	return b.Set(nameKey(prefixPosition, s.Source), putNumber(s.Upto), nil)
}

// follows checks that a span begins where the ledger stands, with what the groups before moved.
func (c *committer) follows(s event.Span) error {
	at, ok := c.positions[s.Source]
	if !ok {
		var err error
		if at, err = position(c.l.db, s.Source); err != nil {
			return err
		}
		c.positions[s.Source] = at
	}
	if at != s.After {
		return fmt.Errorf("messages %d to %d of %s, the ledger stands at %d: %w", s.After+1, s.Upto, s.Source, at, event.ErrPosition)
	}
	return nil
}

func position(db pebble.Reader, source string) (uint64, error) {
	v, err := get(db, nameKey(prefixPosition, source))
	if err != nil {
		return 0, fmt.Errorf("read position in %q: %w", source, err)
	}
	if v == nil {
		return 0, nil
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("position in %q: %w", source, ErrDamaged)
	}
	return binary.BigEndian.Uint64(v), nil
}
