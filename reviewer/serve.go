package reviewer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"proctor/event"
	"proctor/policy"
)

const (
	// recordTimeout is how long an answer may take to be committed after its context ended.
	recordTimeout = 5 * time.Second
	// grace is how long a reviewer may take to return after its context ended.
	grace = time.Second
	// remembered requests are not answered again when they are delivered again.
	remembered = 4096
)

// Serve answers requests until ctx ends (nil) or an answer could not be recorded (an error that wraps
// [event.ErrNotRecorded]). Either way every review under way is ended and recorded before it returns.
func Serve(ctx context.Context, requests Requests, streams Streams, r Reviewer, o Options) error {
	o = o.withDefaults()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &server{reviewer: r, streams: streams, opts: o, slots: make(chan struct{}, o.Parallel), fail: cancel}
	stop, err := requests.Subscribe(ctx, event.ApprovalRequested, o.Group, func(e event.Entry) { s.take(ctx, e) })
	if err != nil {
		return fmt.Errorf("subscribe to approval requests as group %q: %w", o.Group, err)
	}
	<-ctx.Done()
	stop()
	s.reviews.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, event.ErrNotRecorded) {
		return cause
	}
	return nil
}

type server struct {
	reviewer Reviewer
	streams  Streams
	opts     Options
	slots    chan struct{} // one token per review under way
	reviews  sync.WaitGroup
	fail     context.CancelCauseFunc

	seen memory
}

// take answers one entry on a goroutine of its own, once a slot is free.
func (s *server) take(ctx context.Context, e event.Entry) {
	r, readErr := Read(e)
	if r.ID == "" {
		s.opts.Log.Warn("approval request passed over", "seq", e.Seq, "error", readErr)
		return
	}
	stream, ok := s.streams(r.Session)
	if r.Answered || !ok || !s.seen.first(r.Session+"/"+r.ID) {
		return
	}
	r.ReviewID = string(event.NewID())
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done(): // answered all the same: aborted, without a slot
		s.review(ctx, stream, e.ID, r, readErr)
		return
	}
	s.reviews.Go(func() {
		defer func() { <-s.slots }()
		s.review(ctx, stream, e.ID, r, readErr)
	})
}

// review records the start, asks, and records the one answer.
func (s *server) review(ctx context.Context, stream Recorder, cause event.ID, r Request, readErr error) {
	who := s.reviewer.Identity()
	start := s.opts.Now()
	if r.Deadline.IsZero() {
		r.Deadline = start.Add(s.opts.Timeout)
	}
	started := event.NewID()
	// Nothing waits for this one: what the reviewer is shown is in the request, which is committed.
	if err := stream.Publish(context.WithoutCancel(ctx), event.Draft{
		ID: started, Turn: r.Turn, Call: r.Call, Cause: cause, Actor: who.Actor,
		Payload: &event.ReviewStartedPayload{ApprovalID: r.ID, ReviewID: r.ReviewID, Reviewer: who.Name},
	}); err != nil {
		s.lost(event.ReviewStarted, err)
		return
	}
	v := s.judge(ctx, r, readErr)
	end := s.opts.Now()
	draft := event.Draft{Turn: r.Turn, Call: r.Call, Cause: started, Actor: who.Actor}
	decided := draft
	decided.Payload = v.decided(r, who.Name, end.Sub(start))
	drafts := []event.Draft{decided}
	if who.Actor == event.Reviewer {
		draft.Payload = v.assessment(r, start, end)
		drafts = []event.Draft{draft, decided}
	}
	s.record(ctx, stream, drafts...)
}

// record commits even when ctx has ended, within recordTimeout.
func (s *server) record(ctx context.Context, stream Recorder, drafts ...event.Draft) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	_, err := stream.Record(ctx, drafts...)
	if err == nil {
		return true
	}
	if errors.Is(err, event.ErrAnswered) { // the executor no longer waited, and closed it itself
		s.opts.Log.Warn("an answer came too late", "error", err)
		return false
	}
	s.lost(drafts[len(drafts)-1].Payload.Kind(), err)
	return false
}

// lost ends Serve: an event could not be recorded.
func (s *server) lost(kind event.Kind, err error) {
	if !errors.Is(err, event.ErrNotRecorded) {
		err = fmt.Errorf("%w: %w", event.ErrNotRecorded, err)
	}
	s.fail(fmt.Errorf("record %s: %w", kind, err))
}

// judge gives the verdict for a request, whatever the reviewer does.
func (s *server) judge(ctx context.Context, r Request, readErr error) Verdict {
	switch {
	case errors.Is(readErr, errDigest):
		return Fail(PromptBuild, policy.ReasonDigestMismatch, readErr.Error())
	case readErr != nil:
		return Fail(PromptBuild, policy.ReasonRequestUnreadable, readErr.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, r.Deadline.Sub(s.opts.Now()))
	defer cancel()
	if ctx.Err() != nil {
		return Ended(ctx, 0)
	}
	v := s.ask(ctx, r)
	if !v.Status.known() {
		return Fail(SessionError, policy.ReasonInvalidVerdict, fmt.Sprintf("the reviewer returned the unknown status %q", v.Status))
	}
	if v.Status == Approved && v.Risk == RiskCritical {
		return Fail(SessionError, policy.ReasonInvalidVerdict, "the reviewer approved an action that it rates critical")
	}
	return v
}

// ask calls the reviewer. After ctx ended only a verdict that is not an approval still counts.
func (s *server) ask(ctx context.Context, r Request) Verdict {
	answer := make(chan Verdict, 1) // one answer, so that a late one never blocks
	s.reviews.Go(func() { guard(ctx, s.reviewer, r, answer) })
	select {
	case v := <-answer:
		return inTime(ctx, v)
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case v := <-answer:
		return inTime(ctx, v)
	case <-late.C:
		return Ended(ctx, 0)
	}
}

func inTime(ctx context.Context, v Verdict) Verdict {
	if v.Status == Approved && ctx.Err() != nil {
		return Ended(ctx, v.Attempts)
	}
	return v
}

// guard turns a panic, and a goroutine that ends without returning, into a closed verdict.
func guard(ctx context.Context, reviewer Reviewer, r Request, answer chan<- Verdict) {
	v := Fail(SessionError, policy.ReasonReviewPanicked, "the reviewer ended without a verdict")
	defer func() {
		if p := recover(); p != nil {
			v = Fail(SessionError, policy.ReasonReviewPanicked, fmt.Sprintf("the reviewer panicked: %v", p))
		}
		answer <- v
	}()
	v = reviewer.Review(ctx, r)
}

// Ended is the verdict of a review whose context ended: timed out at a deadline, else aborted.
func Ended(ctx context.Context, attempts int) Verdict {
	v := failed(Aborted, Cancelled, policy.ReasonReviewAborted, "the review was cancelled before it had an answer")
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		v = failed(TimedOut, Timeout, policy.ReasonReviewTimedOut, "the review did not finish before its deadline")
	}
	v.Attempts = attempts
	return v
}
