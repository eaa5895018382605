package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// keeps reports whether the ledger itself acts on events of a kind. What they say takes effect in the commit that records
// them, so that neither can be there without the other.
func keeps(k event.Kind) bool {
	return k == event.Erasure || k == event.HoldPlaced || k == event.HoldReleased || k == event.KeyRotated
}

// keep checks an event that the ledger acts on, in the caller's goroutine.
func (o *op) keep(enc event.Encoded) error {
	e, err := event.Decode(event.Encoded{Public: enc.Public})
	if err != nil {
		return err
	}
	if len(o.events) != 1 {
		return fmt.Errorf("event %s of kind %s came with %d others; it must be submitted alone", e.ID, e.Kind, len(o.events)-1)
	}
	o.keeping = e.Payload
	if e.Kind == event.KeyRotated {
		return nil
	}
	session := about(e.Payload)
	if err := event.CheckSession(session); err != nil {
		return fmt.Errorf("event %s of kind %s: %w", e.ID, e.Kind, err)
	}
	if e.Kind == event.Erasure && session == e.Session {
		return fmt.Errorf("event %s: an erasure is recorded outside the session that it erases, %s", e.ID, session)
	}
	return nil
}

// about is the session that an event is about that the ledger acts on.
func about(p event.Payload) string {
	switch p := p.(type) {
	case *event.ErasurePayload:
		return p.Erased
	case *event.HoldPlacedPayload:
		return p.Held
	case *event.HoldReleasedPayload:
		return p.Held
	}
	return ""
}

// admit refuses what the ledger cannot follow. An event that is recorded already gets its receipt.
func (c *committer) admit(o *op) error {
	erasing, ok := o.keeping.(*event.ErasurePayload)
	rotating, also := o.keeping.(*event.KeyRotatedPayload)
	if !ok && !also {
		return nil
	}
	key := o.events[0].key
	if _, again := c.plans.group[key]; again {
		return nil
	}
	if _, receipt, err := c.known(key); err != nil || receipt != nil {
		return err
	}
	if also {
		return c.admitRotation(rotating)
	}
	return c.admitErasure(erasing)
}

// admitErasure refuses to erase what must be kept, or what is not there.
func (c *committer) admitErasure(p *event.ErasurePayload) error {
	if index, held := c.holds[p.Erased]; held {
		return fmt.Errorf("erase session %s: %w, placed by entry %d", p.Erased, ErrHeld, index)
	}
	s, err := c.session(p.Erased)
	if err == nil && !s.known {
		err = fmt.Errorf("erase session %s: %w", p.Erased, ErrUnknownSession)
	}
	return err
}

// obey does what the entry at index says.
func (c *committer) obey(b batch, p event.Payload, index event.Seq) error {
	if p == nil {
		return nil
	}
	if err := c.settle(b); err != nil { // an erasure is of what lies before it
		return err
	}
	switch p := p.(type) {
	case *event.ErasurePayload:
		return c.erase(b, p.Erased, index)
	case *event.KeyRotatedPayload:
		return c.rotate(b, p, index)
	case *event.HoldPlacedPayload:
		c.holds[p.Held] = index
		return b.Set(nameKey(prefixHold, p.Held), putNumber(uint64(index)), nil)
	case *event.HoldReleasedPayload:
		delete(c.holds, p.Held)
		return b.Delete(nameKey(prefixHold, p.Held), nil)
	}
	return nil
}

// Hold keeps the content of a session from being erased.
type Hold struct {
	Session string    `json:"session"`
	Seq     event.Seq `json:"seq"` // of the event that placed it
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
	By      string    `json:"by,omitempty"`
}

// Holds lists the holds in force, the oldest first.
func (l *Ledger) Holds(ctx context.Context) ([]Hold, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	placed, err := loadHolds(l.db)
	if err != nil {
		return nil, err
	}
	holds := make([]Hold, 0, len(placed))
	d := l.newDecoder()
	for session, index := range placed {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h := Hold{Session: session, Seq: index}
		e, err := d.at(index)
		if err != nil {
			return nil, fmt.Errorf("hold of session %s: %w", session, err)
		}
		h.Since = e.Received
		if e.Event != nil {
			if p, ok := e.Event.Payload.(*event.HoldPlacedPayload); ok {
				h.Reason, h.By = p.Reason, p.By
			}
		}
		holds = append(holds, h)
	}
	slices.SortFunc(holds, func(a, b Hold) int { return int(a.Seq) - int(b.Seq) }) //nolint:gosec // at most 2^63
	return holds, nil
}

func loadHolds(db pebble.Reader) (map[string]event.Seq, error) {
	holds, err := marks(db, prefixHold)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return holds, nil
}

// marks reads the keys under prefix that lead from a session to an index.
func marks(db pebble.Reader, prefix byte) (map[string]event.Seq, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	found := map[string]event.Seq{}
	for it.First(); it.Valid(); it.Next() {
		if len(it.Value()) != 8 {
			return nil, fmt.Errorf("key %q: %w", it.Key(), ErrDamaged)
		}
		found[string(it.Key()[1:])] = event.Seq(binary.BigEndian.Uint64(it.Value()))
	}
	return found, it.Error()
}
