package exporters

import (
	"context"
	"fmt"

	"proctor/event"
)

// Cursors keeps positions durably, one for each name. A name that was never set has
// position 0. The value stored for a destination is the next entry to send plus one,
// so that 0 means that the destination never ran; use [Next] to read it.
type Cursors interface {
	Cursor(name string) (event.Seq, error)
	SetCursor(name string, seq event.Seq) error
}

// Next returns the next entry that a destination will get; false when it never ran.
func Next(c Cursors, name string) (event.Seq, bool, error) {
	stored, err := c.Cursor(name)
	if err != nil {
		return 0, false, fmt.Errorf("read cursor of destination %q: %w", name, err)
	}
	if stored == 0 {
		return 0, false, nil
	}
	return stored - 1, true, nil
}

func setNext(c Cursors, name string, next event.Seq) error {
	if err := c.SetCursor(name, next+1); err != nil {
		return fmt.Errorf("move cursor of destination %q to %d: %w", name, next, err)
	}
	return nil
}

// begin finds the position of a destination and, when it never ran, fixes one.
func (e *Exporter) begin(ctx context.Context) error {
	if e.begun {
		return nil
	}
	next, ok, err := Next(e.cursors, e.dest.Name())
	if err != nil {
		return err
	}
	if !ok {
		if next, err = e.first(ctx); err != nil {
			return fmt.Errorf("find where destination %q begins: %w", e.dest.Name(), err)
		}
		if err := setNext(e.cursors, e.dest.Name(), next); err != nil {
			return err
		}
	}
	e.next, e.read, e.begun = next, next, true
	return nil
}

func (e *Exporter) first(ctx context.Context) (event.Seq, error) {
	if e.opts.FromBeginning {
		return 0, nil
	}
	if e.opts.Session != "" {
		entries, err := e.reader.Session(ctx, e.opts.Session, 1, 1)
		if err != nil {
			return 0, err
		}
		if len(entries) > 0 {
			return entries[0].Seq, nil
		}
	}
	return e.opts.Head(ctx)
}
