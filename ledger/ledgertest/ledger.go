package ledgertest

import (
	"testing"
	"time"

	"proctor/event"
	"proctor/ledger"
)

// Open opens a ledger that signs only when asked, until the test ends.
func Open(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir, ledger.Options{CheckpointInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// Record adds n entries to a session, the first of them with the number from there, and signs.
func Record(t *testing.T, l *ledger.Ledger, session string, from, n int) {
	t.Helper()
	events := make([]*event.Event, n)
	for i := range n {
		p := &event.UserPromptPayload{Length: 1, Prompt: event.Secret("x")}
		c, _ := event.Lookup(p.Kind())
		events[i] = &event.Event{
			ID: event.NewID(), Kind: p.Kind(), Schema: c.Schema, Session: session, Seq: uint64(from + i), //nolint:gosec // small numbers
			Time: time.Now(), Actor: event.Executor, Payload: p,
		}
	}
	if _, err := l.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Verify verifies the ledger, whatever the report then says.
func Verify(t *testing.T, l *ledger.Ledger, o ledger.VerifyOptions) ledger.Report {
	t.Helper()
	r, err := l.Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Codes are those of the findings of one severity, but for sessions that Record leaves open.
func Codes(found []ledger.Finding, s ledger.Severity) (out []string) {
	for _, f := range found {
		if f.Severity == s && f.Code != ledger.CodeSessionOpen {
			out = append(out, f.Code)
		}
	}
	return out
}
