package event_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"proctor/event"
)

// stuck is a ledger that takes events and never commits them, or, when full, takes none.
type stuck struct{ full bool }

func (s stuck) Submit(ctx context.Context, _ ...*event.Event) (event.Pending, error) {
	if s.full {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s, nil
}

func (stuck) Wait(ctx context.Context) ([]event.Receipt, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestWhatMustBeRecordedOutlivesItsContextAndEnds(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	draft := event.Draft{Actor: event.User, Payload: &event.UserPromptPayload{Length: 1, Prompt: event.Secret("x")}}
	for name, full := range map[string]bool{"never committed": false, "never taken": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stream, err := event.NewStream("session-1", 0, "", "", stuck{full}, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if _, err := stream.RecordAnyway(ended, draft); !errors.Is(err, event.ErrNotRecorded) {
					t.Errorf("record: %v, want ErrNotRecorded", err)
				}
				if waited := time.Since(began); waited != 30*time.Second {
					t.Errorf("waited %s although the context had ended, want 30s", waited)
				}
				if !full {
					return // a Publish that was taken waits for its commit, however long it takes
				}
				if err := stream.PublishAnyway(ended, draft); !errors.Is(err, event.ErrNotRecorded) {
					t.Errorf("publish: %v, want ErrNotRecorded", err)
				}
			})
		})
	}
}
