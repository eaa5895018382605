package ledger

import (
	"context"
	"fmt"
	"testing"

	"proctor/event"
)

// sent is what an exercise tells of a submission: first what it is about to record, then the receipts.
type sent struct {
	IDs      []event.ID      `json:"ids,omitempty"`
	Receipts []event.Receipt `json:"receipts,omitempty"`
}

// exercise does a bit of all that writes: submissions that fill memtables, checkpoints, a hold, a rotation of the key, an erasure and its purge.
func exercise(l *Ledger, rounds int, tell func(sent)) error {
	record := func(events ...*event.Event) error {
		var s sent
		for _, e := range events {
			s.IDs = append(s.IDs, e.ID)
		}
		tell(s)
		receipts, err := l.Append(context.Background(), events...)
		if err == nil {
			tell(sent{Receipts: receipts})
		}
		return err
	}
	for i := range rounds {
		// Enough text to make Pebble begin a new memtable and log on the way.
		text := noise(i, 12_000*len(fmt.Sprint(i)))
		err := record(prompt("a", 0, text), prompt(fmt.Sprintf("b%d", i%4), 0, text))
		if err != nil {
			return err
		}
		switch i % 8 {
		case 2:
			_, err = l.Checkpoint(context.Background())
		case 4:
			var old, next string
			if old, next, err = l.PrepareKey(); err == nil {
				err = record(newEvent("system", 0, "", &event.KeyRotatedPayload{Old: old, New: next, Reason: "yearly"}))
			}
			if err == nil {
				_, err = l.Checkpoint(context.Background())
			}
		case 6:
			if err = record(erasure(fmt.Sprintf("b%d", i%4))); err == nil {
				err = l.Purge(context.Background(), nil)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// owed is what an exercise said, for the ledger to honour.
type owed struct {
	ids      map[event.ID]bool
	receipts []event.Receipt
}

func (o *owed) add(s sent) {
	if o.ids == nil {
		o.ids = map[event.ID]bool{}
	}
	for _, id := range s.IDs {
		o.ids[id] = true
	}
	o.receipts = append(o.receipts, s.Receipts...)
}

// honoured demands every receipt in its place, nothing that was never submitted, nothing twice, and a ledger that verifies and goes on.
func (o *owed) honoured(t *testing.T, l *Ledger, what string) {
	t.Helper()
	if err := l.Err(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	mustBeGreen(t, l)
	at := map[event.Seq]event.Entry{}
	seen := map[event.ID]bool{}
	for from := event.Seq(0); uint64(from) < l.Tree().Size; {
		entries, err := l.Read(context.Background(), from, 256)
		if err != nil || len(entries) == 0 {
			t.Fatalf("%s: read from %d: %d entries, %v", what, from, len(entries), err)
		}
		for _, e := range entries {
			if !o.ids[e.ID] || seen[e.ID] {
				t.Fatalf("%s: entry %d, event %s: submitted %t, before %t", what, e.Seq, e.ID, o.ids[e.ID], seen[e.ID])
			}
			seen[e.ID], at[e.Seq] = true, e
			from = e.Seq + 1
		}
	}
	for _, r := range o.receipts {
		if e, ok := at[r.Seq]; !ok || e.Receipt != r {
			t.Fatalf("%s: receipt %+v is not honoured: %+v", what, r, e.Receipt)
		}
	}
	e := prompt("after", 0, "x")
	receipts, err := l.Append(context.Background(), e)
	if err != nil {
		t.Fatalf("%s: append after it: %v", what, err)
	}
	o.add(sent{[]event.ID{e.ID}, receipts})
}
