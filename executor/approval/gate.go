package approval

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"proctor/event"
	"proctor/policy"
)

// Watcher delivers committed events of one kind of one session, see bus.Bus.
type Watcher interface {
	Watch(session string, kind event.Kind, f func(event.Entry)) (stop func(), err error)
}

// Breaker is told how each review ended and may end the turn.
type Breaker interface {
	Reviewed(turn, status string) (interrupt bool)
}

// Options of a Gate.
type Options struct {
	Authority Authority
	Stream    *event.Stream
	Watcher   Watcher
	// Breaker may be nil.
	Breaker Breaker
	// Deadline is how long a reviewer may take. Default 90 s. The gate waits a little longer for the answer to arrive.
	Deadline time.Duration
	// Context gives the reviewer what it may know besides the action; called when a review is requested.
	Context func() event.Sensitive
}

// Gate decides about the actions of one session.
type Gate struct {
	authority Authority
	opts      Options
	stop      func()

	mu      sync.Mutex
	waiting map[string]chan *event.ApprovalDecidedPayload // by approval id, guarded by mu
}

// grace is how long after the deadline, or after a cancellation, the gate still waits for the reviewer's own final word.
const grace = 5 * time.Second

// maxEvidence bounds action and facts of a decision together, in bytes of JSON: they are one event.
const maxEvidence = 3 << 20

// New makes the gate of a session. Close it when the session ends.
func New(opts Options) (*Gate, error) {
	if opts.Deadline <= 0 {
		opts.Deadline = 90 * time.Second
	}
	g := &Gate{authority: opts.Authority, opts: opts, waiting: map[string]chan *event.ApprovalDecidedPayload{}}
	stop, err := opts.Watcher.Watch(opts.Stream.Session(), event.ApprovalDecided, g.answered)
	if err != nil {
		return nil, fmt.Errorf("watch for approvals: %w", err)
	}
	g.stop = stop
	return g, nil
}

// Close stops listening for answers.
func (g *Gate) Close() { g.stop() }

// Authority is what the gate decides by.
func (g *Gate) Authority() Authority { return g.authority }

// Rule decides about one call. An error means that the request for approval
// could not be recorded, and that nothing may run.
func (g *Gate) Rule(ctx context.Context, r Request) (Ruling, error) {
	facts := Facts(g.authority, r)
	if n := event.SecretJSON(facts).Len() + event.SecretJSON(r.Action).Len(); n > maxEvidence {
		r.Action = event.Action{Kind: r.Action.Kind, Tool: r.Action.Tool}
		return g.Refuse(r, policy.ReasonTooLarge, fmt.Sprintf("the call needs %d bytes to be recorded, at most %d are allowed; "+
			"put long text into a file in smaller steps", n, maxEvidence)), nil
	}
	d := policy.Decide(facts)
	d.Rule = bounded(d.Rule)
	if d.Outcome != policy.Prompt {
		return g.ruling(r, facts, d, nil), nil
	}
	answer, err := g.ask(ctx, r, d)
	if err != nil {
		return Ruling{}, err
	}
	out := g.ruling(r, facts, d, answer)
	if g.opts.Breaker != nil {
		out.Interrupt = g.opts.Breaker.Reviewed(r.Turn, answer.Status)
	}
	return out, nil
}

// Refuse rules out a call that never became an action: an unknown tool, arguments that make no sense.
func (g *Gate) Refuse(r Request, reason policy.Reason, message string) Ruling {
	return g.ruling(r, policy.Facts{Approval: g.authority.Approval, Sandbox: g.authority.Sandbox},
		policy.Decision{Outcome: policy.Forbid, Source: policy.SourceConfig, Reason: reason, Text: message}, nil)
}

func (g *Gate) ask(ctx context.Context, r Request, d policy.Decision) (*event.ApprovalDecidedPayload, error) {
	request := &event.ApprovalRequestedPayload{
		ApprovalID: uuid.NewString(), ToolName: r.Tool, ActionKind: string(r.Action.Kind), Digest: r.Action.Digest(),
		Reviewer: string(g.authority.Reviewer), Reason: string(d.Reason), Rule: d.Rule, Deadline: g.opts.Deadline.Milliseconds(),
		Action: event.SecretJSON(r.Action),
	}
	if g.opts.Context != nil {
		request.Context = g.opts.Context()
	}
	answers := g.expect(request.ApprovalID)
	defer g.forget(request.ApprovalID)
	began := g.opts.Stream.Now()
	id := event.NewID()
	if _, err := g.opts.Stream.RecordAnyway(ctx, event.Draft{ID: id, Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Payload: request}); err != nil {
		return nil, err
	}
	lost := g.wait(ctx, answers)
	if lost.answer != nil {
		return lost.answer, nil
	}
	closed := &event.ApprovalDecidedPayload{
		ApprovalID: request.ApprovalID, Reviewer: request.Reviewer, Status: lost.status, Digest: request.Digest,
		Reason: "review_" + lost.status, FailureReason: lost.why, Duration: g.opts.Stream.Now().Sub(began).Milliseconds(),
	}
	if _, err := g.opts.Stream.RecordAnyway(ctx, event.Draft{Turn: r.Turn, Call: r.CallID, Cause: id, Payload: closed}); err != nil {
		return nil, err
	}
	return closed, nil
}

// outcome of waiting: an answer, or why there was none.
type outcome struct {
	answer      *event.ApprovalDecidedPayload
	status, why string
}

func (g *Gate) wait(ctx context.Context, answers <-chan *event.ApprovalDecidedPayload) outcome {
	deadline := time.NewTimer(g.opts.Deadline + grace)
	defer deadline.Stop()
	select {
	case a := <-answers:
		return outcome{answer: a}
	case <-deadline.C:
		select {
		case a := <-answers: // it came at the same moment
			return outcome{answer: a}
		default:
		}
		return outcome{status: event.TimedOut, why: "reviewer_lost"}
	case <-ctx.Done():
	}
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case a := <-answers:
		return outcome{answer: a}
	case <-last.C:
		return outcome{status: event.Aborted, why: "cancelled"}
	}
}

func (g *Gate) expect(id string) <-chan *event.ApprovalDecidedPayload {
	g.mu.Lock()
	defer g.mu.Unlock()
	ch := make(chan *event.ApprovalDecidedPayload, 1) // the first answer counts
	g.waiting[id] = ch
	return ch
}

func (g *Gate) forget(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, id)
}

func (g *Gate) answered(e event.Entry) {
	if e.Event == nil {
		return
	}
	p, ok := e.Event.Payload.(*event.ApprovalDecidedPayload)
	if !ok {
		return
	}
	g.mu.Lock()
	ch := g.waiting[p.ApprovalID]
	g.mu.Unlock()
	select {
	case ch <- p:
	default: // nobody waits, or it was answered already
	}
}
