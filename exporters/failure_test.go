package exporters_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"proctor/event"
	"proctor/exporters"
)

func TestOutageLosesNothingAndIsReportedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		stop := running(t, f.exporter(t, nil))
		defer stop()
		f.dest.set(failing(exporters.Retry, 0))
		f.put(t, 1500)
		time.Sleep(time.Hour)
		f.put(t, 100)
		f.dest.set(nil)
		time.Sleep(5 * time.Minute)
		head, _ := f.ledger.Head(t.Context())
		if got := f.dest.seen(); len(got) != int(head) || !isDense(got) {
			t.Errorf("got %d of %d records", len(got), head)
		}
		want := []*event.ExportGapPayload{
			{Destination: "test", Signal: "logs", From: 0, To: 511, Reason: "unreachable", Message: "no (retry)"},
			{Destination: "test", Signal: "logs", From: 0, To: 1600, Reason: "recovered"},
		}
		if diff := cmp.Diff(want, f.gaps, cmpopts.IgnoreFields(event.ExportGapPayload{}, "Lasted")); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
		if len(f.gaps) == 2 && f.gaps[1].Lasted < time.Hour.Milliseconds() {
			t.Errorf("outage lasted %d ms", f.gaps[1].Lasted)
		}
	})
}

func TestPartialSuccessIsCountedReportedAndNotSentAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 10)
	f.dest.set(func(seqs []event.Seq) (exporters.Result, error) {
		if seqs[0] > 0 {
			return exporters.Result{}, nil
		}
		return exporters.Result{Rejected: 3, Message: "bad field"}, nil
	})
	r := f.exporter(t, nil).Flush(t.Context())
	if r.Sent != 7 || r.Rejected != 3 || r.Left != 0 {
		t.Errorf("report %+v", r)
	}
	want := []*event.ExportGapPayload{{Destination: "test", Signal: "logs", From: 0, To: 9, Rejected: 3, Reason: "rejected", Message: "bad field"}}
	if diff := cmp.Diff(want, f.gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	f.exporter(t, nil).Flush(t.Context())
	if got := f.dest.seen(); len(got) != 1 || got[0] != 10 {
		t.Errorf("a second run sent %v, want the gap's own record only", got)
	}
}

// Otherwise each report of a gap would be refused and make another one.
func TestDestinationThatRefusesEverythingDoesNotFillTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.dest.set(failing(exporters.Rejected, 0))
		f.put(t, 3)
		stop := running(t, f.exporter(t, nil))
		time.Sleep(time.Hour)
		stop()
		if head, _ := f.ledger.Head(t.Context()); head != 4 {
			t.Errorf("ledger has %d entries, want 3 and one gap", head)
		}
	})
}

func TestTooLargeBatchesAreHalvedUntilTheyPass(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 100)
	f.dest.set(func(seqs []event.Seq) (exporters.Result, error) {
		if len(seqs) > 30 || len(seqs) == 1 && seqs[0] == 99 {
			return exporters.Result{}, &exporters.SendError{Class: exporters.TooLarge, Err: errTooBig}
		}
		return exporters.Result{}, nil
	})
	r := f.exporter(t, nil).Flush(t.Context())
	if got := f.dest.seen(); !isDense(got) || r.Left != 0 || r.Sent < 100 {
		t.Errorf("got %d records, report %+v", len(got), r)
	}
}

// What is read while a batch is on its way is neither lost, nor sent before the answer, nor the batch after next.
func TestTheNextBatchIsReadAheadAndWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 2000)
	tries := 0
	f.dest.set(func(seqs []event.Seq) (exporters.Result, error) {
		if tries++; tries%2 == 1 {
			return exporters.Result{}, &exporters.SendError{Class: exporters.Retry, Err: errTooBig}
		}
		if next, _, err := exporters.Next(f.ledger, "test"); err != nil || next != seqs[0] {
			t.Errorf("cursor at %d while the batch from %d is on its way: %v", next, seqs[0], err)
		}
		return exporters.Result{}, nil
	})
	r := f.exporter(t, func(o *exporters.Options) { o.FlushWithin = time.Minute }).Flush(t.Context())
	if got := f.dest.seen(); len(got) != 2000 || !isDense(got) || r.Left != 0 {
		t.Errorf("got %d records, report %+v", len(got), r)
	}
}

// keen tells of the entries that are added to its batches.
type keen struct {
	*receiver
	added chan event.Seq
}

func (k keen) NewBatch(l exporters.Limits) exporters.Batch {
	return keenBatch{k.receiver.NewBatch(l), k}
}

type keenBatch struct {
	exporters.Batch
	k keen
}

func (b keenBatch) Add(ctx context.Context, e event.Entry) (bool, error) {
	ok, err := b.Batch.Add(ctx, e)
	if ok {
		b.k.added <- e.Seq
	}
	return ok, err
}

// While an answer is waited for, as many batches as are allowed are filled, and no more.
func TestSeveralBatchesAreFilledWhileOneIsOnItsWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 1000)
	k := keen{f.dest, make(chan event.Seq, 1000)} // Add never waits
	first := true
	f.dest.set(func([]event.Seq) (exporters.Result, error) {
		for first { // until the third batch after this one is full
			first = <-k.added < 39
		}
		if len(k.added) > 0 && len(f.dest.attempts) == 1 {
			t.Error("a fourth batch was begun")
		}
		return exporters.Result{}, nil
	})
	e, err := exporters.New(k, f.ledger, f.ledger, exporters.Options{
		Head: f.ledger.Head, FromBeginning: true, Limits: exporters.Limits{Records: 10}, FlushWithin: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Flush(t.Context())
	if got := f.dest.seen(); len(got) != 1000 || !isDense(got) || r.Left != 0 {
		t.Errorf("got %d records, report %+v", len(got), r)
	}
}

func TestOneRecordThatIsTooLargeIsAGap(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 4)
	f.dest.set(func(seqs []event.Seq) (exporters.Result, error) {
		for _, s := range seqs {
			if s == 2 {
				return exporters.Result{}, &exporters.SendError{Class: exporters.TooLarge, Err: errTooBig}
			}
		}
		return exporters.Result{}, nil
	})
	r := f.exporter(t, nil).Flush(t.Context())
	if len(f.gaps) != 1 || f.gaps[0].From != 2 || f.gaps[0].To != 2 || r.Left != 0 {
		t.Errorf("gaps %+v, report %+v, got %v", f.gaps, r, f.dest.seen())
	}
}

func TestWaitsAsTheDestinationAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.dest.set(failing(exporters.Retry, 90*time.Second))
		f.put(t, 1)
		stop := running(t, f.exporter(t, nil))
		defer stop()
		time.Sleep(5 * time.Minute)
		if len(f.dest.when()) < 3 {
			t.Fatalf("%d attempts in five minutes", len(f.dest.when()))
		}
		for i := range f.dest.when()[1:] {
			if d := f.dest.when()[i+1].Sub(f.dest.when()[i]); d < 90*time.Second || d > 92*time.Second {
				t.Errorf("attempt %d came after %v", i+1, d)
			}
		}
	})
}

func TestBackoffGrowsToItsCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.dest.set(failing(exporters.Retry, 0))
		f.put(t, 1)
		stop := running(t, f.exporter(t, nil))
		time.Sleep(10 * time.Minute)
		stop()
		var got []time.Duration
		for i := range min(9, len(f.dest.when())-1) {
			got = append(got, f.dest.when()[i+1].Sub(f.dest.when()[i]).Round(time.Millisecond))
		}
		want := []time.Duration{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0), cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() <= 2*time.Millisecond })); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
	})
}

func TestBlockedDataStaysInTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.dest.set(failing(exporters.Blocked, 0))
		f.put(t, 5)
		start := time.Now()
		if r := f.exporter(t, nil).Flush(t.Context()); r.Left != 5 || r.Rejected != 0 || len(f.dest.sizes()) != 1 {
			t.Errorf("report %+v after %v attempts", r, f.dest.sizes())
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("flush took %v", d)
		}
		f.dest.set(nil)
		if r := f.exporter(t, nil).Flush(t.Context()); r.Left != 0 || len(f.dest.seen()) != 5 {
			t.Errorf("after the credentials were fixed: %+v", r)
		}
	})
}

func TestFlushKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	for _, alsoRun := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.dest.hang = true
			f.put(t, 7)
			e := f.exporter(t, nil)
			stop := func() {}
			if alsoRun {
				stop = running(t, e)
				time.Sleep(2 * time.Second) // Run hangs in its attempt
			}
			start := time.Now()
			r := e.Flush(t.Context())
			if d := time.Since(start); d != 3*time.Second {
				t.Errorf("flush took %v (with Run: %v)", d, alsoRun)
			}
			if r.Left != 7 || r.Err == nil {
				t.Errorf("report %+v", r)
			}
			stop()
		})
	}
}

func TestFlushSendsAtOnceWhatRunHoldsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		e := f.exporter(t, func(o *exporters.Options) { o.Interval = time.Hour })
		stop := running(t, e)
		defer stop()
		f.put(t, 3)
		synctest.Wait()
		start := time.Now()
		r := exporters.Group{e}.Flush(t.Context())[0]
		if r.Left != 0 || r.Sent != 3 || time.Since(start) > time.Second {
			t.Errorf("report %+v after %v", r, time.Since(start))
		}
	})
}
