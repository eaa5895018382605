package event

import (
	"context"
	"errors"
	"time"
)

const (
	// soon is how long facts may wait for company, and maxSoon how many of them.
	soon    = 5 * time.Millisecond
	maxSoon = 32
)

// noted is a fact that waits to be sent with whatever the stream sends next.
type noted struct {
	draft Draft
	at    time.Time
}

// PublishSoon is Publish of facts that gate nothing and can wait 5 ms: they are sent with the next events of the stream, in one
// commit with them, or alone after that time. It is not for answers to approvals. An error is that of an earlier event; whether
// these were committed is checked by the next Record or by Flush.
//
// A commit under way holds up the next one, so a fact on its own just before one that is waited for costs a whole commit.
func (s *Stream) PublishSoon(drafts ...Draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if len(s.soon) == 0 && len(drafts) > 0 {
		time.AfterFunc(soon, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			_ = s.sendSoon() // the next call returns it
		})
	}
	for _, d := range drafts {
		s.soon = append(s.soon, noted{d, s.now()})
	}
	if len(s.soon) >= maxSoon {
		return s.sendSoon()
	}
	return nil
}

// sendSoon sends what waits for company alone. It is called with the lock held.
func (s *Stream) sendSoon() error {
	if len(s.soon) == 0 || s.broken != nil {
		return s.broken
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), insistFor, errSlowRecord)
	defer cancel()
	pending, err := s.send(ctx, nil)
	if err != nil {
		s.broken = notRecorded(err)
		return s.broken
	}
	s.await(ctx, pending)
	return nil
}

// send submits drafts behind what waits for company, in one step. It is called with the lock held.
func (s *Stream) send(ctx context.Context, drafts []Draft) (Pending, error) {
	events := make([]*Event, 0, len(s.soon)+len(drafts))
	for _, n := range s.soon {
		e := s.event(n.draft, s.last+uint64(len(events))+1)
		e.Time = n.at.UTC().Truncate(time.Microsecond)
		events = append(events, e)
	}
	for _, d := range drafts {
		events = append(events, s.event(d, s.last+uint64(len(events))+1))
	}
	pending, err := s.sink.Submit(ctx, events...)
	if err != nil {
		if errors.Is(err, ErrTooLarge) && len(s.soon) > 0 && len(drafts) > 0 {
			if err := s.sendSoon(); err != nil {
				return nil, err
			}
			return s.send(ctx, drafts)
		}
		return nil, err
	}
	for _, e := range events {
		s.counts[e.Kind]++
		if p, ok := e.Payload.(*ApprovalDecidedPayload); ok {
			s.decided[p.ApprovalID] = true
		}
	}
	s.last += uint64(len(events))
	before := len(s.soon)
	s.soon = nil
	if before == 0 {
		return pending, nil
	}
	return behind{pending, before}, nil
}

// behind is the outcome of those events of a submission that stand behind others.
type behind struct {
	Pending
	before int
}

// Wait implements Pending.
func (b behind) Wait(ctx context.Context) ([]Receipt, error) {
	receipts, err := b.Pending.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return receipts[min(b.before, len(receipts)):], nil
}
