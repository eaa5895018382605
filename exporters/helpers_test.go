package exporters_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/exportertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is a destination in memory that answers as it is told.
type receiver struct {
	answer func(seqs []event.Seq) (exporters.Result, error) // nil accepts
	hang   bool
	fat    int // bytes of each record; 0 means 1

	mu       sync.Mutex
	got      []event.Seq
	attempts []int // records of each attempt
	times    []time.Time
}

func (r *receiver) Name() string   { return "test" }
func (r *receiver) Signal() string { return "logs" }
func (r *receiver) Close() error   { return nil }
func (r *receiver) NewBatch(l exporters.Limits) exporters.Batch {
	return &memBatch{to: r, limits: l}
}

type memBatch struct {
	to     *receiver
	limits exporters.Limits
	seqs   []event.Seq
}

func (b *memBatch) Records() int { return len(b.seqs) }

func (b *memBatch) Add(_ context.Context, e event.Entry) (bool, error) {
	if e.Kind == event.ExecOutput {
		return true, nil
	}
	if e.Kind == event.HistoryItem {
		return true, fmt.Errorf("cannot map")
	}
	size := max(1, b.to.fat)
	if n := len(b.seqs); n > 0 && (n >= b.limits.Records || (n+1)*size > b.limits.Bytes) {
		return false, nil
	}
	b.seqs = append(b.seqs, e.Seq)
	return true, nil
}

func (b *memBatch) Send(ctx context.Context) (exporters.Result, error) {
	r := b.to
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, len(b.seqs))
	r.times = append(r.times, time.Now())
	if r.hang {
		<-ctx.Done()
		return exporters.Result{}, ctx.Err()
	}
	if r.answer != nil {
		if res, err := r.answer(b.seqs); err != nil || res.Rejected > 0 {
			return res, err
		}
	}
	r.got = append(r.got, b.seqs...)
	return exporters.Result{}, nil
}

func (r *receiver) seen() []event.Seq {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]event.Seq{}, r.got...)
}

// sizes are the records of each attempt; when are their times.
func (r *receiver) sizes() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int{}, r.attempts...)
}

func (r *receiver) when() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Time{}, r.times...)
}

func (r *receiver) set(answer func([]event.Seq) (exporters.Result, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

type fixture struct {
	ledger *exportertest.Ledger
	stream *event.Stream
	dest   *receiver
	gaps   []*event.ExportGapPayload
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{ledger: &exportertest.Ledger{}, dest: &receiver{}}
	f.stream = f.session(t, "s1")
	return f
}

func (f *fixture) session(t *testing.T, id string) *event.Stream {
	t.Helper()
	s, err := event.NewStream(id, 0, "", "", f.ledger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put records n events that are exported.
func (f *fixture) put(t *testing.T, n int) {
	t.Helper()
	for range n {
		record(t, f.stream, &event.TurnTTFTPayload{Duration: 1})
	}
}

func record(t *testing.T, s *event.Stream, p event.Payload) {
	t.Helper()
	if _, err := s.Record(t.Context(), event.Draft{Payload: p}); err != nil {
		t.Fatal(err)
	}
}

// exporter makes an exporter whose gaps become events of the ledger.
func (f *fixture) exporter(t *testing.T, change func(*exporters.Options)) *exporters.Exporter {
	t.Helper()
	system := f.session(t, "system")
	opts := exporters.Options{
		Head: f.ledger.Head, FromBeginning: true, Random: func(n int64) int64 { return n - 1 },
		Gap: func(ctx context.Context, p *event.ExportGapPayload) error {
			f.gaps = append(f.gaps, p)
			_, err := system.Record(ctx, event.Draft{Actor: event.System, Payload: p})
			return err
		},
	}
	if change != nil {
		change(&opts)
	}
	e, err := exporters.New(f.dest, f.ledger, f.ledger, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// running runs e until the end of the test function calls stop.
func running(t *testing.T, e *exporters.Exporter) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func isDense(seqs []event.Seq) bool {
	for i, s := range seqs {
		if int(s) != i {
			return false
		}
	}
	return true
}

var errTooBig = fmt.Errorf("too big")
