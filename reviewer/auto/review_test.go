package auto

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"proctor/reviewer"
)

// asked is a Model made of a function.
type asked func(ctx context.Context, p Prompt) (string, error)

func (a asked) Ask(ctx context.Context, p Prompt) (Answer, error) {
	text, err := a(ctx, p)
	return Answer{Text: text}, err
}

const allowText = `{"outcome":"allow","risk_level":"low","user_authorization":"high","rationale":"r"}`

// One deadline of 90 seconds holds for all attempts together, on the system's clock.
func TestDeadlineIsShared(t *testing.T) {
	for _, test := range []struct {
		name     string
		model    asked
		attempts int
		status   reviewer.Status
		took     time.Duration
	}{
		{"stall", func(ctx context.Context, _ Prompt) (string, error) { <-ctx.Done(); return "", ctx.Err() }, 1, reviewer.TimedOut, 90 * time.Second},
		{"an allow after the deadline", func(context.Context, Prompt) (string, error) { time.Sleep(91 * time.Second); return allowText, nil }, 1, reviewer.TimedOut, 91 * time.Second},
		{"slow garbage", func(ctx context.Context, _ Prompt) (string, error) {
			return "?", SystemClock{}.Sleep(ctx, 40*time.Second)
		}, 3, reviewer.TimedOut, 90 * time.Second},
		{"just in time", func(context.Context, Prompt) (string, error) { time.Sleep(89 * time.Second); return allowText, nil }, 1, reviewer.Approved, 89 * time.Second},
		{"pauses", func(context.Context, Prompt) (string, error) { return "?", nil }, 3, reviewer.FailedClosed, 600 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				v := New(test.model, Options{Jitter: func() float64 { return 0.5 }}).Review(t.Context(), request())
				if v.Status != test.status || v.Attempts != test.attempts || time.Since(start) != test.took {
					t.Errorf("%+v after %s", v, time.Since(start))
				}
			})
		})
	}
}

func TestCancelledReviewIsAborted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	model := asked(func(ctx context.Context, _ Prompt) (string, error) { cancel(); return allowText, nil })
	if v := New(model, Options{}).Review(ctx, request()); v.Status != reviewer.Aborted || v.Attempts != 1 {
		t.Errorf("during: %+v", v)
	}
	if v := New(model, Options{}).Review(ctx, request()); v.Status != reviewer.Aborted || v.Attempts != 0 {
		t.Errorf("before: %+v", v)
	}
}

// An error that does not say that it may be tried again is final.
func TestUnknownErrorsAreFinal(t *testing.T) {
	v := New(asked(func(context.Context, Prompt) (string, error) { return allowText, errors.New("odd") }), Options{}).Review(t.Context(), request())
	if v.Status != reviewer.FailedClosed || v.Attempts != 1 || v.Outcome != "" {
		t.Errorf("got %+v", v)
	}
}
