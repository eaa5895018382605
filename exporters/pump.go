package exporters

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"proctor/event"
)

// page is how many entries are read at once; the reader returns fewer when they are large.
const page = 128

// maxAhead bounds the batches that are filled while one is on its way.
const maxAhead = 3

// load is a batch in the making and how far the ledger was read for it.
type load struct {
	read     event.Seq // next entry for the batch
	batch    Batch
	full     bool
	others   bool      // the batch has records that are not about gaps
	since    time.Time // when the batch got its first entry
	skipped  int64     // entries of the batch that cannot leave
	withheld int64     // entries of the batch that may not
}

// pump is the state between rounds, owned by the holder of the exporter's turn.
type pump struct {
	begun    bool
	next     event.Seq     // everything below is settled
	load                   // what is sent next, or is on its way
	ahead    []load        // what follows it, read while it is on its way; all but the last are full
	unused   []event.Entry // read, and behind what the batches have
	limits   Limits
	failures int       // attempts in a row that failed
	barred   time.Time // the receiver asked to be left alone until then
	outage   outage
	account  Account // since the destination first ran, in any process
	synced   time.Time
	loose    bool // the position was stored after that
}

// pause says what a round wants next: nothing (go on), more entries, or time.
type pause struct {
	idle  bool          // no more entries to read
	due   time.Duration // when idle: until the batch must go; 0 when there is none
	retry time.Duration // after a failure
	class Class         // of the failure
}

// round fills the batch and, when it is full or older than linger, sends it once.
func (e *Exporter) round(ctx context.Context, linger time.Duration) pause {
	if err := e.begin(ctx); err != nil {
		return e.stumble(ctx, "cannot begin", err)
	}
	if left := e.barred.Sub(e.opts.Now()); left > 0 {
		return pause{retry: left}
	}
	if err := e.fill(ctx, &e.load, never); err != nil {
		return e.stumble(ctx, "cannot read the ledger", err)
	}
	if e.read == e.next {
		e.fix()
		return pause{idle: true}
	}
	if age := e.opts.Now().Sub(e.since); !e.full && age < linger {
		return pause{idle: true, due: linger - age}
	}
	if e.batch.Records() == 0 {
		e.settle(ctx)
		return pause{}
	}
	return e.send(ctx)
}

// stumble is a failure on our side of the wire.
func (e *Exporter) stumble(ctx context.Context, what string, err error) pause {
	if ctx.Err() == nil {
		e.opts.Log.Warn("exporter "+what, "destination", e.dest.Name(), "error", err)
	}
	e.note(func(s *Stats) { s.LastErr = err })
	e.failures++
	return pause{retry: wait(&SendError{}, e.failures, e.opts.Random)}
}

func never() bool { return false }

// fill adds entries until the batch is full, the ledger has no more, or enough says so.
func (e *Exporter) fill(ctx context.Context, l *load, enough func() bool) error {
	for !l.full && !enough() {
		if len(e.unused) == 0 || e.unused[0].Seq != l.read {
			var err error
			if e.unused, err = e.reader.Read(ctx, l.read, page); err != nil || len(e.unused) == 0 {
				return err
			}
		}
		if e.add(ctx, l, e.unused[0]) {
			e.unused = e.unused[1:]
		}
	}
	return nil
}

// add offers one entry to the batch; false when the batch is full.
func (e *Exporter) add(ctx context.Context, l *load, entry event.Entry) bool {
	if l.batch == nil {
		l.batch, l.others, l.since = e.dest.NewBatch(e.limits), false, e.opts.Now()
	}
	before := l.batch.Records()
	switch {
	case entry.Event == nil:
		e.pass(l)
	case !e.opts.Keep(entry):
		l.withheld++
	default:
		added, err := l.batch.Add(ctx, entry)
		if err != nil {
			e.opts.Log.Warn("exporter passes an entry over", "destination", e.dest.Name(), "seq", entry.Seq, "error", err)
			e.pass(l)
		} else if !added {
			l.full = true
			return false
		}
	}
	if l.batch.Records() > before && entry.Kind != event.ExportGap {
		l.others = true
	}
	l.read = entry.Seq + 1
	return true
}

// readAhead fills the next batches while a full one is on its way, until stop is called. So neither waits for the other: one that is
// slow now finds the work of the other done. Trouble shows when the next round reads on from where this stopped.
func (e *Exporter) readAhead(ctx context.Context) (stop func()) {
	if !e.full {
		return func() {}
	}
	var answered atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !answered.Load() {
			next := e.nextAhead()
			if next == nil {
				return
			}
			err := e.fill(ctx, next, answered.Load)
			if ctx.Err() != nil { // the last entries may not have been mapped in full
				e.ahead = nil
				return
			}
			if err != nil || !next.full {
				return
			}
		}
	})
	return func() { answered.Store(true); wg.Wait() }
}

// nextAhead is the batch ahead that has room, nil when there are enough of them.
func (e *Exporter) nextAhead() *load {
	from, n := e.read, len(e.ahead)
	if n > 0 {
		if !e.ahead[n-1].full {
			return &e.ahead[n-1]
		}
		from = e.ahead[n-1].read
	}
	if n == maxAhead {
		return nil
	}
	e.ahead = append(e.ahead, load{read: from})
	return &e.ahead[n]
}

// send makes one attempt.
func (e *Exporter) send(ctx context.Context) pause {
	attempt, cancel := context.WithTimeout(ctx, e.opts.SendTimeout)
	defer cancel()
	stop := e.readAhead(ctx)
	res, err := e.batch.Send(attempt)
	stop()
	if err != nil {
		return e.failed(ctx, err)
	}
	records := int64(e.batch.Records())
	e.recovered(ctx)
	if res.Rejected > 0 {
		e.gap(ctx, "rejected", res.Rejected, res.Message)
	}
	e.note(func(s *Stats) {
		s.Sent += records - res.Rejected
		s.Rejected += res.Rejected
		s.LastErr = nil
	})
	e.account.accepted(records-res.Rejected, res.Rejected, res.Message, e.opts.Now())
	e.settle(ctx)
	return pause{}
}

// pass notes an entry of the batch that cannot leave.
func (e *Exporter) pass(l *load) {
	l.skipped++
	e.note(func(s *Stats) { s.Skipped++ })
}

// failed decides what follows from a failed attempt.
func (e *Exporter) failed(ctx context.Context, err error) pause {
	fault, ok := errors.AsType[*SendError](err)
	if !ok {
		fault = &SendError{Class: Retry, Err: err}
	}
	e.note(func(s *Stats) { s.Failures++; s.LastErr = err })
	if ctx.Err() != nil { // we gave up, not the receiver
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			e.blame(fault, 0)
		}
		return pause{retry: time.Millisecond}
	}
	if fault.Class == TooLarge && e.limits.Records > 1 {
		e.halve()
		return pause{}
	}
	if fault.Class == TooLarge || fault.Class == Rejected {
		rejected := int64(e.batch.Records())
		e.recovered(ctx)
		e.gap(ctx, "rejected", rejected, err.Error())
		e.note(func(s *Stats) { s.Rejected += rejected })
		e.account.accepted(0, rejected, err.Error(), e.opts.Now())
		e.settle(ctx)
		return pause{}
	}
	e.failures++
	if e.failures == 1 {
		e.opts.Log.Warn("destination does not accept events, they stay in the ledger", "destination", e.dest.Name(), "error", err)
	}
	e.unreachable(ctx, err)
	delay := wait(fault, e.failures, e.opts.Random)
	if fault.After > 0 {
		e.barred = e.opts.Now().Add(delay)
	}
	e.blame(fault, delay)
	return pause{retry: delay, class: fault.Class}
}

// blame puts a failure into the account.
func (e *Exporter) blame(fault *SendError, delay time.Duration) {
	now := e.opts.Now()
	e.account.failed(fault, now, now.Add(delay))
	if err := e.keep(e.next, true); err != nil {
		e.opts.Log.Warn("exporter cannot save its account", "error", err)
	}
}

// halve drops the batch and starts it again with half of what it had.
func (e *Exporter) halve() {
	e.limits.Records = max(1, min(e.limits.Records, e.batch.Records())/2)
	e.limits.Bytes = max(1, e.limits.Bytes/2)
	e.restart()
}

// restart forgets what was read and not settled.
func (e *Exporter) restart() { e.load, e.ahead = load{read: e.next}, nil }

// settle moves the cursor behind the batch. When that fails the entries may be sent
// again by the next process; this one goes on.
func (e *Exporter) settle(ctx context.Context) {
	e.next, e.limits = e.read, e.opts.Limits
	e.account.Skipped, e.account.Withheld = e.account.Skipped+e.skipped, e.account.Withheld+e.withheld
	if e.load = (load{read: e.next}); len(e.ahead) > 0 {
		e.load, e.ahead = e.ahead[0], e.ahead[1:]
	}
	if err := e.keep(e.next, false); err != nil && ctx.Err() == nil {
		e.opts.Log.Warn("exporter cannot save its position", "error", err)
		e.note(func(s *Stats) { s.LastErr = err })
	}
	e.note(func(s *Stats) { s.Next = e.next })
}

func (e *Exporter) note(f func(*Stats)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.stats)
}
