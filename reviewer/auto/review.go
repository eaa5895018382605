package auto

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"proctor/event"
	"proctor/policy"
	"proctor/reviewer"
)

// Options of a Reviewer. The zero value of every field but Model works.
type Options struct {
	// Model and Effort are sent with each request; an empty effort is left out.
	Model, Effort string
	Policy        Policy
	Limits        reviewer.Limits
	Budget        Budget
	// Inspector gives the reviewer tools to look with, none when nil; Inspections bounds their calls in one review, 8 when zero.
	Inspector   Inspector
	Inspections int
	// Tokens bounds what one attempt may use before its answer; 0 is no bound.
	Tokens int64
	// Price makes Trace.Cost.
	Price Price
	// Deadline is shared by all attempts; 90 s when zero.
	Deadline time.Duration
	// Attempts bounds the model calls of one review; 3 when zero.
	Attempts int
	// Clock is SystemClock when nil.
	Clock Clock
	// Jitter gives numbers in [0,1); rand.Float64 when nil.
	Jitter func() float64
}

// Reviewer asks a model. It may be used from several goroutines.
type Reviewer struct {
	model        Model
	opts         Options
	instructions string
	tools        []json.RawMessage
	trunks       trunks
}

// New makes a reviewer.
func New(model Model, o Options) *Reviewer {
	if o.Deadline <= 0 {
		o.Deadline = 90 * time.Second
	}
	if o.Attempts <= 0 {
		o.Attempts = 3
	}
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Inspections <= 0 {
		o.Inspections = 8
	}
	r := &Reviewer{model: model, opts: o, instructions: o.Policy.Text(o.Inspector != nil)}
	if o.Inspector != nil {
		r.tools = o.Inspector.Tools()
	}
	return r
}

// Identity implements reviewer.Reviewer.
func (r *Reviewer) Identity() reviewer.Identity {
	return reviewer.Identity{Name: "auto_review:" + r.opts.Model, Actor: event.Reviewer}
}

// Review implements reviewer.Reviewer.
func (r *Reviewer) Review(ctx context.Context, request reviewer.Request) reviewer.Verdict {
	if ctx.Err() != nil {
		return reviewer.Ended(ctx, 0)
	}
	ctx, cancel := r.opts.Clock.WithTimeout(ctx, r.opts.Deadline)
	defer cancel()
	l := r.trunks.take(request.Session, r.configOf(request.Context), request.Context.Transcript)
	trace := reviewer.Trace{Model: r.opts.Model, Effort: r.opts.Effort, Conversation: l.kind, Prior: len(l.before) > 0}
	var said []Message // stays empty when the review fails: the conversation is dropped then
	defer func() { r.trunks.give(request.Session, l, said, cursorAt(request.Context.Transcript)) }()
	prompt, err := r.prompt(request, l)
	if err != nil {
		reason := policy.ReasonRequestUnreadable
		if errors.Is(err, errTooLarge) {
			reason = policy.ReasonActionTooLarge
		}
		return reviewer.Fail(reviewer.PromptBuild, reason, err.Error())
	}
	trace.Sections, trace.RequestTokens = prompt.Sections, prompt.estimate()
	v := r.attempts(ctx, prompt, &trace, &said)
	trace.Cost = r.opts.Price.of(trace.Usage)
	v.Trace = trace
	return v
}

// attempts asks until there is a judgement, a final failure, or no attempt left.
func (r *Reviewer) attempts(ctx context.Context, prompt Prompt, t *reviewer.Trace, said *[]Message) reviewer.Verdict {
	limit := r.opts.Clock.Now().Add(r.opts.Deadline)
	for n := 1; ; n++ {
		prompt.Attempt = n
		assessment, messages, failure, err := r.attempt(ctx, prompt, t)
		switch {
		case ctx.Err() != nil: // also when an answer came with it: too late
			return reviewer.Ended(ctx, n)
		case err == nil:
			*said = messages
			v := reviewer.Gate(assessment, r.opts.Limits)
			v.Attempts = n
			return v
		}
		again, wait := r.again(failure, err, n)
		if !again || n >= r.opts.Attempts || !r.opts.Clock.Now().Add(wait).Before(limit) {
			v := reviewer.Fail(failure, policy.ReasonReviewFailed, fmt.Sprintf("review failed after %d of %d attempts: %v", n, r.opts.Attempts, err))
			v.Attempts = n
			return v
		}
		t.Retries = append(t.Retries, reviewer.Retry{Failure: failure, Wait: wait})
		if r.opts.Clock.Sleep(ctx, wait) != nil {
			return reviewer.Ended(ctx, n)
		}
	}
}

func (r *Reviewer) attempt(ctx context.Context, prompt Prompt, t *reviewer.Trace) (reviewer.Assessment, []Message, reviewer.Failure, error) {
	text, said, err := r.converse(ctx, prompt, t)
	if err != nil {
		return reviewer.Assessment{}, nil, reviewer.SessionError, err
	}
	a, err := reviewer.Parse(text)
	if err != nil {
		return a, nil, reviewer.ParseError, err
	}
	return a, said, reviewer.NoFailure, nil
}

// again says whether attempt n may be followed by another, and after which wait.
func (r *Reviewer) again(f reviewer.Failure, err error, n int) (bool, time.Duration) {
	wait := backoff(n, r.opts.Jitter())
	if f == reviewer.ParseError {
		return !errors.Is(err, reviewer.ErrEmptyAnswer), wait
	}
	again, asked := retry(err)
	return again, max(asked, wait)
}

// backoff is the wait after attempt n (from 1): 200 ms doubled each time, spread by 0.9 to 1.1.
func backoff(n int, jitter float64) time.Duration {
	return time.Duration(float64(200*time.Millisecond<<min(n-1, 10)) * (0.9 + 0.2*jitter))
}
