package ledger

import (
	"context"
	"errors"
	"slices"
	"testing"

	"proctor/event"
)

func hold(session, reason string) *event.Event {
	return newEvent("system", 0, "", &event.HoldPlacedPayload{Held: session, Reason: reason, By: "person:counsel"})
}

func release(session string) *event.Event {
	return newEvent("system", 0, "", &event.HoldReleasedPayload{Held: session})
}

func TestAHoldOutlivesProcessesAndBlocksErasure(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, Options{})
	appendTest(t, l, prompts("a", 1, 2)...)
	appendTest(t, l, prompts("b", 1, 2)...)
	appendTest(t, l, hold("a", "case 12"))
	appendTest(t, l, hold("b", "case 13"))
	refused := func() {
		t.Helper()
		size := l.Tree().Size
		if _, err := l.Append(t.Context(), erasure("a")); !errors.Is(err, ErrHeld) {
			t.Fatalf("erase a held session: %v", err)
		}
		if l.Tree().Size != size {
			t.Fatal("the refused erasure was recorded")
		}
	}
	refused()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, Options{})
	refused()
	appendTest(t, l, release("b"))
	holds, err := l.Holds(t.Context())
	if err != nil || len(holds) != 1 || holds[0].Session != "a" || holds[0].Reason != "case 12" || holds[0].By != "person:counsel" || holds[0].Since.IsZero() {
		t.Fatalf("%+v %v", holds, err)
	}
	eraseTest(t, l, "b")
	refused()
	mustBeGreen(t, l)
	appendTest(t, l, release("a"))
	done := erasure("a")
	first := appendTest(t, l, done)
	appendTest(t, l, hold("a", "too late"))
	if again := appendTest(t, l, done); !slices.Equal(first, again) { // a sender that did not see the answer
		t.Fatalf("%v, then %v", first, again)
	}
	mustBeGreen(t, l)
}

func TestEventsThatTheLedgerActsOnAreCheckedFirst(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("a", 1, 1)...)
	size := l.Tree().Size
	for name, events := range map[string][]*event.Event{
		"erase a session that is not there":   {erasure("nobody")},
		"erase the session that records it":   {erasure("system")},
		"erase no session":                    {erasure("")},
		"hold a name that is no session":      {hold("a/b", "x")},
		"an erasure that travels with others": {erasure("a"), prompt("a", 2, "x")},
	} {
		if _, err := l.Append(context.Background(), events...); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	if got := l.Tree().Size; got != size {
		t.Errorf("%d entries, want %d", got, size)
	}
	if err := l.Err(); err != nil {
		t.Errorf("the ledger failed: %v", err)
	}
}

func TestVerifyNamesAnErasureThatNobodyRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(b batch) error
		want   string
	}{
		"content gone": {func(b batch) error {
			r := sessionRecord{First: 0, Erased: 2}
			if err := r.save(b, "a"); err != nil {
				return err
			}
			return b.DeleteRange(nameKey(prefixContent, "a\x00"), sessionEnd(prefixContent, "a"), nil)
		}, CodeErasureUnrecorded},
		"hold gone": {func(b batch) error { return b.Delete(nameKey(prefixHold, "b"), nil) }, CodeHoldRecord},
		"hold made": {func(b batch) error { return b.Set(nameKey(prefixHold, "a"), putNumber(0), nil) }, CodeHoldRecord},
	} {
		l := openMem(t)
		appendTest(t, l, prompts("a", 1, 2)...)
		appendTest(t, l, prompts("b", 1, 2)...)
		appendTest(t, l, hold("b", "case 1"))
		mustBeGreen(t, l)
		if err := l.write(t.Context(), false, c.tamper); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, l); r.OK || !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == c.want && f.Severity == SeverityError }) {
			t.Errorf("%s: %s", name, show(r))
		}
	}
}
