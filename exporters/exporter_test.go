package exporters_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/exportertest"
)

func TestRunFollowsTheLedgerInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, 700)
		stop := running(t, f.exporter(t, nil))
		defer stop()
		time.Sleep(2 * time.Second)
		f.put(t, 5)
		time.Sleep(2 * time.Second)
		if got := f.dest.seen(); len(got) != 705 || !isDense(got) {
			t.Errorf("got %d records, in order: %v", len(got), isDense(got))
		}
		if diff := cmp.Diff([]int{512, 188, 5}, f.dest.sizes()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestBatchesAreCutByBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.dest.fat = 300_000
	f.put(t, 10)
	f.exporter(t, nil).Flush(t.Context())
	if diff := cmp.Diff([]int{3, 3, 3, 1}, f.dest.sizes()); diff != "" {
		t.Errorf("records of the batches (-want +got):\n%s", diff)
	}
}

func TestRestartGoesOnWhereTheDestinationStopped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 10)
	f.exporter(t, nil).Flush(t.Context())
	f.put(t, 10)
	f.exporter(t, nil).Flush(t.Context())
	if got := f.dest.seen(); len(got) != 20 || !isDense(got) {
		t.Errorf("got %v", got)
	}
}

func TestFirstStartBeginsAtTheSessionNotAtHistory(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, session string
		beginning     bool
		want          []event.Seq
	}{
		{"session", "now", false, []event.Seq{3, 4}},
		{"session not begun", "later", false, nil},
		{"head", "", false, nil},
		{"beginning", "", true, []event.Seq{0, 1, 2, 3, 4}},
	}
	for _, c := range cases {
		f := newFixture(t)
		f.put(t, 3)
		now := f.session(t, "now")
		record(t, now, &event.TurnTTFTPayload{})
		record(t, now, &event.TurnTTFTPayload{})
		e := f.exporter(t, func(o *exporters.Options) { o.Session, o.FromBeginning = c.session, c.beginning })
		if r := e.Flush(t.Context()); r.Left != 0 || r.Err != nil {
			t.Errorf("%s: %v", c.name, r)
		}
		if diff := cmp.Diff(c.want, f.dest.seen(), cmp.Transformer("len", func(s []event.Seq) string { return joined(s) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func joined(s []event.Seq) string {
	var b strings.Builder
	for _, x := range s {
		b.WriteByte(' ')
		b.WriteByte(byte('0' + x))
	}
	return b.String()
}

// A destination that was never reached must still get its first run in a later one.
func TestFirstRunThatNeverReachedTheDestinationIsSentByTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		first := func(o *exporters.Options) { o.FromBeginning, o.Session = false, "s1" }
		f.dest.set(failing(exporters.Retry, 0))
		f.put(t, 4)
		if r := f.exporter(t, first).Flush(t.Context()); r.Left != 4 || r.Err == nil {
			t.Errorf("first run: %+v", r)
		}
		f.dest.set(nil)
		f.stream = f.session(t, "s2")
		f.put(t, 2)
		f.exporter(t, func(o *exporters.Options) { o.FromBeginning, o.Session = false, "s2" }).Flush(t.Context())
		if got := f.dest.seen(); len(got) != 6 || !isDense(got) {
			t.Errorf("got %v", got)
		}
	})
}

func TestUnknownKindsAndUnmappableEntriesArePassedOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 1)
	record(t, f.stream, &event.HistoryItemPayload{ItemType: "message"})
	record(t, f.stream, &event.ExecOutputPayload{Stream: "stdout"})
	f.put(t, 1)
	e := f.exporter(t, nil)
	r := e.Flush(t.Context())
	if !slices.Equal(f.dest.seen(), []event.Seq{0, 3}) || r.Skipped != 1 || r.Left != 0 {
		t.Errorf("got %v, report %+v", f.dest.seen(), r)
	}
}

func TestKeepLimitsWhatADestinationMayHave(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 2)
	record(t, f.session(t, "private"), &event.TurnTTFTPayload{})
	e := f.exporter(t, func(o *exporters.Options) { o.Keep = func(e event.Entry) bool { return e.Session != "private" } })
	if r := e.Flush(t.Context()); r.Left != 0 || !slices.Equal(f.dest.seen(), []event.Seq{0, 1}) {
		t.Errorf("got %v, report %+v", f.dest.seen(), r)
	}
}

func TestUnreadableLedgerDoesNotEndTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, 3)
		f.ledger.Fail(errors.New("disk on fire"))
		stop := running(t, f.exporter(t, nil))
		defer stop()
		time.Sleep(time.Minute)
		f.ledger.Fail(nil)
		time.Sleep(time.Minute)
		if got := f.dest.seen(); len(got) != 3 {
			t.Errorf("got %v", got)
		}
	})
}

func TestNewNeedsAHead(t *testing.T) {
	t.Parallel()
	if _, err := exporters.New(&receiver{}, &exportertest.Ledger{}, &exportertest.Ledger{}, exporters.Options{}); err == nil {
		t.Error("an exporter without Head was made")
	}
}

func failing(c exporters.Class, after time.Duration) func([]event.Seq) (exporters.Result, error) {
	return func([]event.Seq) (exporters.Result, error) {
		return exporters.Result{}, &exporters.SendError{Class: c, After: after, Err: errors.New("no")}
	}
}
