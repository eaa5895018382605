package bus

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/semaphore"

	"proctor/event"
)

// submission is the events of one Submit, whose answer is awaited.
type submission struct {
	id     event.ID // of the first
	events int
	size   int // of its frames
	weight int64
	window *semaphore.Weighted

	lane *laneSubmission // on a cluster

	done    chan struct{}
	outcome // set before done is closed
}

// outcome is what became of a submission.
type outcome struct {
	receipts []event.Receipt
	err      error
}

func (s *submission) finish(receipts []event.Receipt, err error) {
	switch {
	case err != nil:
	case len(receipts) != s.events:
		err = fmt.Errorf("%w: %d receipts for %d events", errFrame, len(receipts), s.events)
	case receipts[0].ID != s.id:
		err = fmt.Errorf("%w: a receipt for %s where one for %s is due", errFrame, receipts[0].ID, s.id)
	}
	s.outcome, s.lane = outcome{receipts, err}, nil
	close(s.done)
	s.window.Release(s.weight)
}

// Wait implements event.Pending.
func (s *submission) Wait(ctx context.Context) ([]event.Receipt, error) {
	select {
	case <-s.done:
		return s.receipts, s.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Submit implements event.Sink.
func (b *Bus) Submit(ctx context.Context, events ...*event.Event) (event.Pending, error) {
	if len(events) == 0 {
		return nil, errors.New("submit: no events")
	}
	batch := make([]event.Encoded, len(events))
	for i, e := range events {
		enc, err := event.Encode(b.captured(e))
		if err != nil {
			return nil, err
		}
		batch[i] = enc
	}
	size := framesSize(batch)
	if size > MaxBatch {
		return nil, fmt.Errorf("submit %d events of %d bytes, at most %d are allowed: %w", len(events), size, MaxBatch, ErrTooLarge)
	}
	var lane *laneSubmission
	if b.cluster != nil {
		var err error
		if lane, err = newLaneSubmission(events, batch); err != nil {
			return nil, err
		}
	}
	weight := min(int64(size)+512, b.opts.MaxInFlight)
	if err := b.window.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("submit: the ledger does not keep up: %w", err)
	}
	s := &submission{id: events[0].ID, events: len(events), size: size, weight: weight, window: b.window, done: make(chan struct{}), lane: lane}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Err(); err != nil {
		b.window.Release(weight)
		return nil, err
	}
	if b.cluster != nil {
		b.cluster.enqueue(s)
		return s, nil
	}
	b.gather(s, events[0], batch)
	b.send()
	return s, nil
}
