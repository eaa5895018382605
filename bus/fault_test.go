package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"proctor/event"
	"proctor/ledger"
)

// TestErrorsKeepTheirCode: a process beside the owner tells the ledger's refusals apart as the owner does, and not by their texts.
func TestErrorsKeepTheirCode(t *testing.T) {
	dir := t.TempDir()
	owner, guest := join(t, dir), join(t, dir)
	const held = "kept"
	s, err := event.NewStream(held, 0, "", "", owner, time.Now)
	if err == nil {
		_, err = s.Record(t.Context(), draft("to keep"))
	}
	if err != nil {
		t.Fatal(err)
	}
	submit := func(m *member, p event.Payload) error {
		c, _ := event.Lookup(p.Kind())
		pending, err := m.Submit(t.Context(), &event.Event{
			ID: event.NewID(), Kind: p.Kind(), Schema: c.Schema, Session: "system", Time: time.Now(), Actor: event.User, Payload: p,
		})
		if err != nil {
			return err
		}
		_, err = pending.Wait(t.Context())
		return err
	}
	if err := submit(guest, &event.HoldPlacedPayload{Held: held, Reason: "a court asks"}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*member{owner, guest} {
		if err := submit(m, &event.ErasurePayload{Erased: held, Reason: "age"}); !errors.Is(err, ledger.ErrHeld) {
			t.Errorf("erase what is on hold: %v", err)
		}
		if err := submit(m, &event.ErasurePayload{Erased: "nobody", Reason: "age"}); !errors.Is(err, ledger.ErrUnknownSession) || errors.Is(err, ledger.ErrHeld) {
			t.Errorf("erase what is not there: %v", err)
		}
		if err := submit(m, &event.KeyRotatedPayload{Old: "no key", New: "another"}); !errors.Is(err, ledger.ErrRotation) {
			t.Errorf("rotate a key that is not in force: %v", err)
		}
	}
}

// TestALenderKeepsTheCodeOfItsRefusal is the same for who borrows a session.
func TestALenderKeepsTheCodeOfItsRefusal(t *testing.T) {
	dir := t.TempDir()
	runs, other := join(t, dir), join(t, dir)
	s, err := event.NewStream("lent", 0, "", "", runs, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := runs.Lend(s, func(event.Draft) error { return event.ErrAnswered })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := other.Borrow("lent").Record(context.Background(), draft("late")); !errors.Is(err, event.ErrAnswered) {
		t.Errorf("refused by the lender: %v", err)
	}
}
