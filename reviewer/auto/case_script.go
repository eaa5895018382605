package auto

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// caseAnswer is what the scripted model does in one attempt; the last one repeats.
type caseAnswer struct {
	Kind   string  `json:"kind"`
	Text   string  `json:"text"`
	Status int     `json:"status"`
	After  float64 `json:"after_seconds"`
	Retry  float64 `json:"retry_after_seconds"`
}

// script is a Model that plays answers on a virtual clock.
type script struct {
	answers []caseAnswer
	clock   *virtualClock
	cancel  context.CancelCauseFunc
	next    int
	err     error // a defect of the case
}

// before reports whether the turn is cancelled before the review begins.
func (s *script) before() bool {
	return len(s.answers) > 0 && s.answers[0].Kind == "cancelled_before"
}

var (
	errCut   = errors.New("stream closed before completion")
	errAgain = errors.New("connection refused")
)

// Ask implements Model.
func (s *script) Ask(ctx context.Context, _ Prompt) (Answer, error) {
	if len(s.answers) == 0 {
		s.err = errors.New("reviewer_answers is empty and the reviewer was asked")
		return Answer{}, s.err
	}
	a := s.answers[min(s.next, len(s.answers)-1)]
	s.next++
	if err := s.clock.Sleep(ctx, time.Duration(a.After*float64(time.Second))); err != nil {
		return Answer{}, err
	}
	switch a.Kind {
	case "text":
		return Answer{Text: a.Text}, nil
	case "empty", "no_message", "empty_message":
		return Answer{}, nil
	case "http":
		again := RetryStatus(a.Status)
		err := fmt.Errorf("unexpected status %d", a.Status)
		return Answer{}, &CallError{Retry: again, After: time.Duration(a.Retry * float64(time.Second)), Err: err}
	case "cut", "stream_cut", "stream_closed", "disconnect", "closed":
		return Answer{}, &CallError{Err: errCut}
	case "refused", "unreachable", "connection_refused":
		return Answer{}, &CallError{Retry: true, Err: errAgain}
	case "timeout", "stall", "hang", "never":
		return Answer{}, s.clock.Sleep(ctx, 24*time.Hour)
	case "cancelled", "cancel", "cancelled_during":
		s.cancel(context.Canceled)
		return Answer{}, context.Cause(ctx)
	}
	s.err = fmt.Errorf("reviewer answer %d has kind %q; expected one of %s", s.next, a.Kind,
		strings.Join([]string{"text", "empty", "http", "cut", "unreachable", "timeout", "cancelled_before", "cancelled_during"}, ", "))
	return Answer{}, s.err
}

// virtualClock moves only when somebody sleeps. It serves one goroutine.
type virtualClock struct {
	elapsed time.Duration
	ends    []deadline
}

type deadline struct {
	at     time.Duration
	cancel context.CancelCauseFunc
}

// Now implements Clock.
func (c *virtualClock) Now() time.Time { return time.Unix(0, 0).Add(c.elapsed) }

// Sleep implements Clock.
func (c *virtualClock) Sleep(ctx context.Context, d time.Duration) error {
	to := c.elapsed + d
	for _, end := range c.ends {
		if end.at > to {
			continue
		}
		end.cancel(context.DeadlineExceeded)
		if ctx.Err() != nil {
			c.elapsed = max(c.elapsed, end.at)
			return context.Cause(ctx)
		}
	}
	c.elapsed = to
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// WithTimeout implements Clock.
func (c *virtualClock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.ends = append(c.ends, deadline{c.elapsed + d, cancel})
	return ctx, func() { cancel(context.Canceled) }
}
