package event_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"proctor/event"
)

// sent is a Sink that commits everything at once.
type sent struct {
	mu     sync.Mutex
	events []*event.Event
}

func (s *sent) Submit(_ context.Context, events ...*event.Event) (event.Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
	return done{len(events)}, nil
}

type done struct{ n int }

func (d done) Wait(context.Context) ([]event.Receipt, error) { return make([]event.Receipt, d.n), nil }

// Of many answers to one approval one is recorded, whoever gives them; the numbers of the session stay dense.
func TestAnApprovalHasOneAnswer(t *testing.T) {
	sink := &sent{}
	s, err := event.NewStream("s-1", 0, "", "", sink, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for i := range 50 {
		all.Go(func() {
			status := []string{event.Approved, event.Denied, event.TimedOut}[i%3]
			_, err := s.Record(t.Context(),
				event.Draft{Payload: &event.GuardianAssessmentPayload{ReviewID: "r"}},
				event.Draft{Payload: &event.ApprovalDecidedPayload{ApprovalID: "a-1", Status: status}})
			if err != nil {
				mu.Lock()
				refused++
				mu.Unlock()
				if !errors.Is(err, event.ErrAnswered) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, err := s.Record(t.Context(), event.Draft{Payload: &event.ApprovalDecidedPayload{ApprovalID: "a-2", Status: event.Denied}}); err != nil {
		t.Error(err)
	}
	if refused != 49 || len(sink.events) != 3 || sink.events[2].Seq != 3 {
		t.Errorf("%d refused, %d events", refused, len(sink.events))
	}
}
