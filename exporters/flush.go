package exporters

import (
	"context"
	"fmt"
	"sync"
	"time"

	"proctor/event"
)

// flushAttempts bounds the failures in a row after which Flush leaves the rest to the next run.
const flushAttempts = 3

// Report says how far a destination got.
type Report struct {
	Destination string
	Signal      string
	Stats
	Refused int64  // of Rejected, those of this flush
	Left    uint64 // entries up to the head at the time of the call that are not settled
	Err     error  // why Flush ended early, nil when all is settled
}

// String is one line for people.
func (r Report) String() string {
	if r.Left == 0 && r.Rejected == 0 && r.Err == nil {
		return fmt.Sprintf("%s: %d %s records sent", r.Destination, r.Sent, r.Signal)
	}
	line := fmt.Sprintf("%s: %d %s records sent, %d refused", r.Destination, r.Sent, r.Signal, r.Rejected)
	if r.Left > 0 {
		line += fmt.Sprintf("; %d events stay in the ledger for the next run", r.Left)
	}
	if r.Err != nil {
		line += fmt.Sprintf(" (%v)", r.Err)
	}
	return line
}

// Flush exports what the ledger has now and returns when that is done, when the
// destination failed three times in a row or asked for more time than is left, or when
// FlushWithin is over. Give it a context that an interrupt does not cancel.
func (e *Exporter) Flush(ctx context.Context) Report { return e.FlushFor(ctx, e.opts.FlushWithin) }

// FlushFor is Flush with another limit.
func (e *Exporter) FlushFor(ctx context.Context, within time.Duration) Report {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	refused := e.Stats().Rejected
	head, err := e.opts.Head(ctx)
	if err == nil {
		err = e.drain(ctx, head)
	}
	r := Report{Destination: e.dest.Name(), Signal: e.dest.Signal(), Stats: e.Stats(), Err: err}
	r.Refused = r.Rejected - refused
	if next, ok, cerr := Next(e.cursors, r.Destination); cerr == nil && ok {
		r.Next = next
		if next < head {
			r.Left = uint64(head - next)
		}
	}
	return r
}

// drain works until everything below head is settled.
func (e *Exporter) drain(ctx context.Context, head event.Seq) error {
	for failures := 0; ; {
		if err := e.take(ctx); err != nil {
			return fmt.Errorf("an attempt is still waiting for an answer: %w", err)
		}
		p := e.round(ctx, 0)
		done := e.begun && e.next >= head
		if done {
			e.fix()
		}
		e.give()
		if done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("no answer in time: %w", err)
		}
		if p.idle { // the reader has less than the head says
			return fmt.Errorf("ledger ends before entry %d", head)
		}
		if p.retry == 0 {
			failures = 0
			continue
		}
		failures++
		if failures >= flushAttempts || p.class == Blocked || p.retry > remaining(ctx) {
			return e.Stats().LastErr
		}
		sleep(ctx, p.retry)
	}
}

func remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour
	}
	return time.Until(deadline)
}

// Group is all exporters of a process.
type Group []*Exporter

// Run runs them until ctx ends.
func (g Group) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, e := range g {
		wg.Go(func() { _ = e.Run(ctx) }) // Run has no error of its own
	}
	wg.Wait()
	return nil
}

// Flush flushes them side by side, so that the slowest one decides how long it takes.
func (g Group) Flush(ctx context.Context) []Report {
	return g.reports(func(e *Exporter) Report { return e.Flush(ctx) })
}

// FlushFor is Flush with another limit.
func (g Group) FlushFor(ctx context.Context, within time.Duration) []Report {
	return g.reports(func(e *Exporter) Report { return e.FlushFor(ctx, within) })
}

func (g Group) reports(flush func(*Exporter) Report) []Report {
	reports := make([]Report, len(g))
	var wg sync.WaitGroup
	for i, e := range g {
		wg.Go(func() { reports[i] = flush(e) })
	}
	wg.Wait()
	return reports
}
