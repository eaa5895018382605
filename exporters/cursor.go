package exporters

import (
	"context"
	"fmt"
	"time"

	"proctor/event"
)

// Cursors keeps positions durably, one for each name. A name that was never set has
// position 0. The value stored for a destination is the next entry to send plus one,
// so that 0 means that the destination never ran; use [Next] to read it.
type Cursors interface {
	Cursor(name string) (event.Seq, error)
	// Settle stores a position and an account of what the destination came to by then, both or neither. Without durable it
	// need not survive a crash, nor be seen by other processes.
	Settle(name string, seq event.Seq, account []byte, durable bool) error
	// Account returns what Settle stored last, nil for a name that it was never called with.
	Account(name string) ([]byte, error)
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

// syncEvery is how old what other processes see of a cursor may be while batches follow each other. It is also
// how much a crash may have sent again.
const syncEvery = time.Second

// keep stores where the exporter is and what it came to.
func (e *Exporter) keep(next event.Seq, durable bool) error {
	name, now := e.dest.Name(), e.opts.Now()
	durable = durable || now.Sub(e.synced) >= syncEvery
	if err := e.cursors.Settle(name, next+1, e.account.encode(), durable); err != nil {
		return fmt.Errorf("move cursor of destination %q to %d: %w", name, next, err)
	}
	if e.loose = !durable; durable {
		e.synced = now
	}
	return nil
}

// fix makes the last position durable.
func (e *Exporter) fix() {
	if !e.loose {
		return
	}
	if err := e.keep(e.next, true); err != nil {
		e.opts.Log.Warn("exporter cannot save its position", "error", err)
	}
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
	if e.account, err = ReadAccount(e.cursors, e.dest.Name()); err != nil {
		return err
	}
	e.account.Signal = e.dest.Signal()
	if !ok {
		if next, err = e.first(ctx); err != nil {
			return fmt.Errorf("find where destination %q begins: %w", e.dest.Name(), err)
		}
		if err := e.keep(next, true); err != nil {
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
