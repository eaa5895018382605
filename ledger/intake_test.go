package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// ingest waits for the answer to one span.
func ingest(t testing.TB, l *Ledger, sp event.Span, events ...*event.Event) error {
	t.Helper()
	return <-ingesting(t, l, sp, events...)
}

func ingesting(t testing.TB, l *Ledger, sp event.Span, events ...*event.Event) <-chan error {
	t.Helper()
	batch := make([]event.Encoded, len(events))
	for i, e := range events {
		enc, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = enc
	}
	answer := make(chan error, 1)
	l.Ingest(sp, batch, func(_ []event.Receipt, err error) { answer <- err })
	return answer
}

func span(source string, after, upto uint64) event.Span {
	return event.Span{Source: source, After: after, Upto: upto}
}

func wantPosition(t testing.TB, l *Ledger, source string, want uint64) {
	t.Helper()
	if got, err := l.Position(source); err != nil || got != want {
		t.Fatalf("position in %s: %d, %v, want %d", source, got, err, want)
	}
}

// TestASpanIsTakenOnce: what was taken in is refused when it is delivered again, what leaves something out too, and a source has
// its own position.
func TestASpanIsTakenOnce(t *testing.T) {
	l := openMem(t)
	first := prompts("a", 1, 3)
	if err := ingest(t, l, span("p0", 0, 7), first...); err != nil {
		t.Fatal(err)
	}
	for _, sp := range []event.Span{span("p0", 0, 7), span("p0", 6, 7), span("p0", 8, 9), span("p1", 7, 8)} {
		if err := ingest(t, l, sp, prompts("a", 4, 1)...); !errors.Is(err, event.ErrPosition) {
			t.Errorf("%+v: %v, want ErrPosition", sp, err)
		}
	}
	if err := ingest(t, l, span("p1", 0, 1), prompts("b", 1, 1)...); err != nil {
		t.Fatal(err)
	}
	if err := ingest(t, l, span("p0", 7, 9), first[2]); err != nil { // the sender sent it twice: it is known, the position moves
		t.Fatal(err)
	}
	wantPosition(t, l, "p0", 9)
	wantPosition(t, l, "p1", 1)
	if size := l.Tree().Size; size != 4 {
		t.Errorf("%d entries, want 4", size)
	}
}

// TestARefusedSpanStopsItsSource: none that was sent behind it is taken before somebody dealt with it.
func TestARefusedSpanStopsItsSource(t *testing.T) {
	l := openMem(t)
	answers := []<-chan error{
		ingesting(t, l, span("p", 0, 1), prompts("a", 1, 1)...),
		ingesting(t, l, span("p", 1, 2), prompts("a", 3, 1)...), // number 2 is missing
		ingesting(t, l, span("p", 2, 3), prompts("b", 1, 1)...),
		ingesting(t, l, span("p", 1, 2), newEvent("system", 0, "", &event.HoldPlacedPayload{Held: "a", Reason: "x"})),
	}
	for i, want := range []error{nil, ErrGap, event.ErrPosition} {
		if err := <-answers[i]; !errors.Is(err, want) {
			t.Errorf("span %d: %v, want %v", i, err, want)
		}
	}
	if err := <-answers[3]; err == nil {
		t.Error("a hold was taken from a source")
	}
	wantPosition(t, l, "p", 1)
	for _, sp := range []event.Span{span("", 0, 1), span("p", 1, 1), span("p", 2, 1)} {
		if err := ingest(t, l, sp, prompts("b", 1, 1)...); err == nil {
			t.Errorf("%+v was taken", sp)
		}
	}
}

// TestPositionAndEntriesSurviveTogether cuts the power at random moments while spans are taken in: afterwards the position says
// exactly which of them are there, whatever was acknowledged is, and sending on from there gives every event once.
func TestPositionAndEntriesSurviveTogether(t *testing.T) {
	for cut := range 60 {
		fs := vfs.NewCrashableMem()
		l, err := Open("ledger", memory(fs))
		if err != nil {
			t.Fatal(err)
		}
		var answers []<-chan error
		messages := rand.N(40) + 1
		for n := range messages {
			answers = append(answers, ingesting(t, l, span("p", uint64(n), uint64(n)+1), twoOf(n)...))
		}
		acknowledged := rand.N(messages + 1)
		for _, a := range answers[:acknowledged] {
			if err := <-a; err != nil {
				t.Fatal(err)
			}
		}
		after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rand.N(101), RNG: rand.New(rand.NewPCG(uint64(cut), 1))})
		for _, a := range answers[acknowledged:] {
			<-a
		}
		_ = l.Close()
		again := openTest(t, "ledger", memory(after))
		at, err := again.Position("p")
		if err != nil || at < uint64(acknowledged) || again.Tree().Size != 2*at {
			t.Fatalf("cut %d: position %d, %v with %d entries after %d acknowledged messages of two events", cut, at, err, again.Tree().Size, acknowledged)
		}
		for n := int(at); n < messages; n++ {
			if err := ingest(t, again, span("p", uint64(n), uint64(n)+1), twoOf(n)...); err != nil {
				t.Fatalf("cut %d, message %d: %v", cut, n, err)
			}
		}
		if size := again.Tree().Size; size != uint64(2*messages) {
			t.Fatalf("cut %d: %d entries of %d messages", cut, size, messages)
		}
	}
}

// twoOf are the events of message n, always the same ones in number and session.
func twoOf(n int) []*event.Event { return prompts(fmt.Sprintf("s%d", n%3), n/3*2+1, 2) }
