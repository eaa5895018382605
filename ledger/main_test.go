package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"proctor/event"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		var err error
		if at, e := strconv.ParseInt(os.Getenv(killAt), 10, 64); e == nil {
			err = exerciseUntilKilled(dir, at)
		} else {
			err = appendUntilKilled(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(faultChild) != "" {
		os.Exit(m.Run()) // without goleak
	}
	// Pebble leaves this goroutine behind when its Open fails, which fault tests make it do.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/cockroachdb/pebble/v2.(*ConcurrencyLimitScheduler).periodicGranter"))
}

// clock is a fixed time, so that what a test records is the same each time.
func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func memory(fs vfs.FS) Options {
	return Options{FS: fs, Now: clock, CheckpointInterval: -1}
}

func openTest(t testing.TB, dir string, opts Options) *Ledger {
	t.Helper()
	l, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func openMem(t testing.TB) *Ledger {
	t.Helper()
	return openTest(t, "ledger", memory(vfs.NewMem()))
}

func appendTest(t testing.TB, l *Ledger, events ...*event.Event) []event.Receipt {
	t.Helper()
	receipts, err := l.Append(context.Background(), events...)
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

// prompt is an event with sensitive text.
func prompt(session string, seq uint64, text string) *event.Event {
	return newEvent(session, seq, "", &event.UserPromptPayload{Length: len(text), Prompt: event.Secret(text)})
}

func newEvent(session string, seq uint64, call string, p event.Payload) *event.Event {
	c, _ := event.Lookup(p.Kind())
	return &event.Event{
		ID: event.NewID(), Kind: p.Kind(), Schema: c.Schema, Session: session, Seq: seq, Call: call,
		Time: clock(), Actor: event.Executor, Payload: p,
	}
}

func prompts(session string, from, n int) []*event.Event {
	events := make([]*event.Event, n)
	for i := range events {
		events[i] = prompt(session, uint64(from+i), fmt.Sprintf("do thing %d of %s", from+i, session))
	}
	return events
}

func encode(t testing.TB, e *event.Event) event.Encoded {
	t.Helper()
	enc, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

// submit sends encoded events and waits.
func submit(l *Ledger, encoded ...event.Encoded) ([]event.Receipt, error) {
	type result struct {
		receipts []event.Receipt
		err      error
	}
	answer := make(chan result, 1)
	l.Submit(encoded, func(r []event.Receipt, err error) { answer <- result{r, err} })
	r := <-answer
	return r.receipts, r.err
}

// output is an event of about a kilobyte, as most of a run are.
func output(session string, seq uint64) *event.Event {
	return newEvent(session, seq, "call_1", &event.ExecOutputPayload{Stream: "stdout", Chunk: event.Secret(strings.Repeat("ok  proctor/ledger 0.1s\n", 24))})
}

// noise is text that cannot be packed, for tests that need many bytes.
func noise(seed, n int) string {
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = 'A' + byte(random.IntN(58))
	}
	return string(b)
}

// soaked is how many rounds a test has: a longer run sets another number in the environment.
func soaked(rounds int, name string) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return rounds
}

// sampled is the distance between the places that a test looks at: all in a soak.
func sampled(distance int) int {
	if os.Getenv("PROCTOR_SOAK") != "" {
		return 1
	}
	return distance
}
