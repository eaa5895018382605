package exporters

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"proctor/event"
)

// Options of an exporter. Head is required.
type Options struct {
	// Head returns the number of entries in the ledger, which is the Seq of the next one.
	Head func(context.Context) (event.Seq, error)
	// Session is where a destination begins that never ran; empty means at the head.
	Session string
	// FromBeginning lets a destination that never ran begin at entry 0.
	FromBeginning bool
	// Keep decides per entry whether this destination may have it; nil keeps all.
	Keep func(event.Entry) bool
	// Gap records a proctor.export_gap; nil only logs. It is called between sends and must not call the exporter.
	Gap func(context.Context, *event.ExportGapPayload) error

	Limits      Limits        // default 512 records, 1 MiB
	Interval    time.Duration // how long a batch may wait for more; default what the destination prefers, else 1 s
	SendTimeout time.Duration // of one attempt; default what the destination says, else 10 s
	FlushWithin time.Duration // deadline of Flush; default 3 s
	OutageAfter time.Duration // default 10 s

	Log    *slog.Logger
	Now    func() time.Time
	Random func(n int64) int64 // uniform in [0, n)
}

func (o *Options) defaults() {
	set(&o.Limits.Records, 512)
	set(&o.Limits.Bytes, 1<<20)
	set(&o.Interval, time.Second)
	set(&o.SendTimeout, 10*time.Second)
	set(&o.FlushWithin, 3*time.Second)
	set(&o.OutageAfter, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Int64N
	}
	if o.Keep == nil {
		o.Keep = func(event.Entry) bool { return true }
	}
}

func set[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Exporter moves entries from a ledger to one destination.
type Exporter struct {
	dest    Destination
	reader  event.Reader
	cursors Cursors
	opts    Options

	turn chan struct{} // holds one token; its holder owns the fields below
	pump

	mu    sync.Mutex
	stats Stats // guarded by mu
}

// Stats are counts since New.
type Stats struct {
	Next     event.Seq // next entry to send
	Sent     int64     // records accepted
	Rejected int64     // records that the destination refused
	Skipped  int64     // entries of unknown kinds, and entries that could not be mapped
	Failures int64     // attempts that failed
	LastErr  error     // of the newest attempt, nil when it succeeded
}

// New makes an exporter. It reads and sends nothing before Run or Flush.
func New(dest Destination, reader event.Reader, cursors Cursors, opts Options) (*Exporter, error) {
	if opts.Head == nil {
		return nil, errors.New("new exporter: options have no Head; give a function that returns the size of the ledger")
	}
	if p, ok := dest.(interface{ Interval() time.Duration }); ok {
		set(&opts.Interval, p.Interval())
	}
	if p, ok := dest.(interface{ Timeout() time.Duration }); ok {
		set(&opts.SendTimeout, p.Timeout())
	}
	opts.defaults()
	e := &Exporter{dest: dest, reader: reader, cursors: cursors, opts: opts, turn: make(chan struct{}, 1)}
	e.limits = opts.Limits
	return e, nil
}

// Stats returns the counts so far.
func (e *Exporter) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Close releases the destination. Run and Flush must have returned.
func (e *Exporter) Close() error { return e.dest.Close() }

// Run exports until ctx ends, and returns nil. Trouble with the destination or with the
// reader is logged and retried.
func (e *Exporter) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if e.take(ctx) != nil {
			return nil
		}
		pause := e.round(ctx, e.opts.Interval)
		from := e.read
		e.give()
		switch {
		case pause.retry > 0:
			sleep(ctx, pause.retry)
		case pause.idle:
			e.await(ctx, from, pause.due)
		}
	}
	return nil
}

// errMore ends a Follow that only waits.
var errMore = errors.New("more entries")

// await returns when the ledger has an entry at from, or after due (0: no limit), or when ctx ends.
func (e *Exporter) await(ctx context.Context, from event.Seq, due time.Duration) {
	if due > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, due)
		defer cancel()
	}
	err := e.reader.Follow(ctx, from, func(event.Entry) error { return errMore })
	if errors.Is(err, errMore) || ctx.Err() != nil {
		return
	}
	if err != nil {
		e.opts.Log.Warn("exporter cannot follow the ledger", "destination", e.dest.Name(), "error", err)
	}
	sleep(ctx, backoffBase)
}

func (e *Exporter) take(ctx context.Context) error {
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Exporter) give() { <-e.turn }

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
