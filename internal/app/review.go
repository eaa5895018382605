package app

import (
	"context"
	"sync"

	"proctor/bus"
	"proctor/event"
	"proctor/executor/approval"
	"proctor/internal/config"
	"proctor/reviewer"
)

// startReviewer serves the approval requests of this session, by the reviewer that the configuration names. Without one nobody
// answers, and policy asks nobody.
func (r *run) startReviewer(ctx context.Context) (stop func() error, err error) {
	switch {
	case r.cfg.ApprovalsReviewer == config.AutoReviewer:
		judge, end, err := r.automatic()
		if err != nil {
			return nil, err
		}
		return r.serve(ctx, judge, end), nil
	case r.asks:
		r.people = r.panel()
		return r.serve(ctx, r.people, func() {}), nil
	}
	return func() error { return nil }, nil
}

func (r *run) serve(ctx context.Context, judge reviewer.Reviewer, end func()) (stop func() error) {
	streams := func(session string) (reviewer.Recorder, bool) { return r.stream, session == r.session }
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	var served error
	ready := make(chan struct{})
	serving.Go(func() {
		served = reviewer.Serve(ctx, requests{r.store.Bus, r.session, ready}, streams, judge, reviewer.Options{Group: "review-" + r.session, Log: r.env.Logger()})
	})
	select { // a request must not be made before somebody listens
	case <-ready:
	case <-ctx.Done():
	}
	return func() error { cancel(); serving.Wait(); end(); return served }
}

// requests is the bus as a reviewer sees it.
type requests struct {
	bus     *bus.Bus
	session string
	ready   chan struct{} // closed by Subscribe, which is called once
}

func (q requests) Subscribe(_ context.Context, kind event.Kind, group string, f func(event.Entry)) (stop func(), err error) {
	defer close(q.ready)
	return q.bus.Subscribe(bus.Filter{Session: q.session, Kind: kind}, group, f)
}

// turnBreaker carries the circuit breaker through the reviews of a session; each turn begins anew.
type turnBreaker struct {
	mu      sync.Mutex
	turn    string
	breaker reviewer.Breaker
}

var _ approval.Breaker = (*turnBreaker)(nil)

// Reviewed implements approval.Breaker.
func (b *turnBreaker) Reviewed(turn, status string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if turn != b.turn {
		b.turn, b.breaker = turn, reviewer.Breaker{}
	}
	next, trip := b.breaker.After(reviewer.Status(status), reviewer.BreakerLimits{})
	b.breaker = next
	return trip.Interrupt
}
