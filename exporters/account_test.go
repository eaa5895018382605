package exporters_test

import (
	"testing"
	"testing/synctest"
	"time"

	"proctor/event"
	"proctor/exporters"
)

func (f *fixture) account(t *testing.T) exporters.Account {
	t.Helper()
	a, err := exporters.ReadAccount(f.ledger, "test")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAccountTellsTheTruthWhileADestinationIsAwayAndAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, 700)
		e := f.exporter(t, nil)
		e.Flush(t.Context())
		if a := f.account(t); a.Accepted != 700 || a.Rejected != 0 || a.Failing() || a.LastAccepted.IsZero() || a.Signal != "logs" {
			t.Errorf("delivered: %+v", a)
		}
		away := time.Now()
		f.dest.set(failing(exporters.Retry, 20*time.Second))
		f.put(t, 5)
		e.Flush(t.Context())
		if a := f.account(t); a.Accepted != 700 || a.Failures != 1 || !a.FailingSince.Equal(away) || a.LastError != "no" || a.Class != "retry" || !a.RetryAt.Equal(away.Add(20*time.Second)) {
			t.Errorf("away: %+v", a)
		}
		time.Sleep(20 * time.Second)
		f.dest.set(nil)
		f.exporter(t, nil).Flush(t.Context()) // another process
		if a := f.account(t); a.Accepted != 705 || a.Failing() || a.LastError != "no" || a.Class != "" {
			t.Errorf("back: %+v", a)
		}
	})
}

func TestAnUnansweredAttemptIsInTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, 1)
		f.dest.hang = true
		f.exporter(t, nil).Flush(t.Context())
		if a := f.account(t); a.Failures != 1 || !a.Failing() || a.LastError == "" {
			t.Errorf("%+v", a)
		}
	})
}

func TestAccountCountsWhatIsRefusedSkippedAndWithheld(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 10)
	if _, err := f.stream.Record(t.Context(), event.Draft{Payload: &event.HistoryItemPayload{}}); err != nil {
		t.Fatal(err)
	}
	f.dest.set(func(seqs []event.Seq) (exporters.Result, error) {
		return exporters.Result{Rejected: 3, Message: "bad field"}, nil
	})
	r := f.exporter(t, func(o *exporters.Options) { o.Keep = func(e event.Entry) bool { return e.Seq > 1 } }).Flush(t.Context())
	if a := f.account(t); a.Accepted != 5 || a.Rejected != 3 || a.Skipped != 1 || a.Withheld != 2 || a.LastError != "bad field" || a.Failing() {
		t.Errorf("%+v", a)
	}
	if r.Refused != 3 {
		t.Errorf("report %+v", r)
	}
}

func TestRewindSendsAgainAndNeverSkips(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, 10)
	e := f.exporter(t, nil)
	e.Flush(t.Context())
	if from, err := e.Rewind(t.Context(), 4); err != nil || from != 10 {
		t.Fatal(from, err)
	}
	e.Flush(t.Context())
	if got := f.dest.seen(); len(got) != 16 || got[10] != 4 {
		t.Errorf("got %v", got)
	}
	if from, err := e.Rewind(t.Context(), 12); err != nil || from != 10 {
		t.Error(from, err)
	}
	if next, _, _ := exporters.Next(f.ledger, "test"); next != 10 {
		t.Errorf("cursor at %d", next)
	}
}
