package approval

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/filesystem"
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
	// Standing are those of a resumed session.
	Standing Standing
	// Widen gives further permissions, and Amend adds rules; without them none are given, and none are offered.
	Widen Widen
	Amend Amend
	// RulesFile is where Amend writes rules, for the person who is asked.
	RulesFile string
	// Hooked asks the hooks about a prompt before any reviewer is asked, and names the event that has their answer; nil when there are
	// none. The answer is recorded when it returns.
	Hooked func(ctx context.Context, r Request) (*policy.Hook, event.ID, error)
	// Context gives the reviewer what it may know besides the action; called when a review is requested.
	Context func() event.Sensitive
}

// Gate decides about the actions of one session.
type Gate struct {
	opts Options
	stop func()

	mu       sync.Mutex                                    // guards the fields below, and of opts.Authority what an amendment changes: Rules and Digest
	waiting  map[string]chan *event.ApprovalDecidedPayload // by approval id
	standing Standing
	turns    map[string]string // by call id
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
	g := &Gate{opts: opts, waiting: map[string]chan *event.ApprovalDecidedPayload{}, standing: opts.Standing, turns: map[string]string{}}
	stop, err := opts.Watcher.Watch(opts.Stream.Session(), event.ApprovalDecided, g.answered)
	if err != nil {
		return nil, fmt.Errorf("watch for approvals: %w", err)
	}
	g.stop = stop
	return g, nil
}

// Close stops listening for answers.
func (g *Gate) Close() { g.stop() }

// Authority is what the gate decides by: an approved rule changes it.
func (g *Gate) Authority() Authority {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opts.Authority
}

// Rule decides about one call. An error means that the request for approval
// could not be recorded, and that nothing may run.
func (g *Gate) Rule(ctx context.Context, r Request) (Ruling, error) {
	c := g.consider(r)
	if n := event.SecretJSON(c.facts).Len() + event.SecretJSON(r.Action).Len(); n > maxEvidence {
		r.Action = event.Action{Kind: r.Action.Kind, Tool: r.Action.Tool}
		return g.Refuse(r, policy.ReasonTooLarge, fmt.Sprintf("the call needs %d bytes to be recorded, at most %d are allowed; "+
			"put long text into a file in smaller steps", n, maxEvidence)), nil
	}
	c.decision = policy.Decide(c.facts)
	if err := g.spend(ctx, r, &c); err != nil {
		return Ruling{}, err
	}
	if err := g.hooked(ctx, &r, &c); err != nil {
		return Ruling{}, err
	}
	c.decision.Rule = bounded(c.decision.Rule)
	if c.decision.Outcome != policy.Prompt {
		return g.ruling(r, c), nil
	}
	offer, _ := Propose(c.facts, c.decision, r.Prefix)
	answer, request, err := g.ask(ctx, r, c.decision, offer)
	if err != nil {
		return Ruling{}, err
	}
	c.answer = answer
	out := g.ruling(r, c)
	if out.Allowed && answer.Scope == event.ScopeAmendment {
		if err := g.amend(ctx, r, request); err != nil {
			return Ruling{}, err
		}
	}
	if g.opts.Breaker != nil {
		out.Interrupt = g.opts.Breaker.Reviewed(r.Turn, answer.Status)
	}
	return out, nil
}

// hooked lets the hooks answer a prompt.
func (g *Gate) hooked(ctx context.Context, r *Request, c *considered) error {
	if c.decision.Outcome != policy.Prompt || g.opts.Hooked == nil {
		return nil
	}
	said, id, err := g.opts.Hooked(ctx, *r)
	if err != nil || said == nil {
		return err
	}
	r.Cause, c.facts.Hook = id, said
	c.decision = policy.Decide(c.facts)
	return nil
}

// Foresee is what policy says about a call now, before any reviewer.
func (g *Gate) Foresee(r Request) policy.Decision { return policy.Decide(g.consider(r).facts) }

// considered is one call with what was found about it.
type considered struct {
	authority Authority
	facts     policy.Facts
	decision  policy.Decision
	answer    *event.ApprovalDecidedPayload // nil when nobody was asked
	plan      filesystem.Plan               // of the turn, with the permissions held in it
	held      event.Permissions
	earlier   granted // the approval for the session that covers the action, if any
}

func (g *Gate) consider(r Request) considered {
	c := considered{authority: g.Authority()}
	c.plan, c.held = g.effective(r.Turn)
	if r.Narrow != nil {
		c.plan = r.Narrow(c.plan)
	}
	c.authority.Plan = c.plan
	c.facts = Facts(c.authority, r)
	c.facts.Permissions = g.judge(r.Action, c.held)
	g.mu.Lock()
	defer g.mu.Unlock()
	c.earlier, c.facts.SessionApproved = g.standing.covers(r.Action)
	c.facts.GrantedBy = c.earlier.approval
	if id, ok := g.standing.overridden(r.Action, g.opts.Stream.Now()); ok && !c.facts.SessionApproved {
		c.facts.Overridden, c.facts.GrantedBy = true, id
	}
	if len(g.turns) > maxStanding {
		clear(g.turns)
	}
	g.turns[r.CallID] = r.Turn
	return c
}

// Refuse rules out a call that never became an action: an unknown tool, arguments that make no sense.
func (g *Gate) Refuse(r Request, reason policy.Reason, message string) Ruling {
	a := g.Authority()
	return g.ruling(r, considered{authority: a, plan: a.Plan, facts: policy.Facts{Approval: a.Approval, Sandbox: a.Sandbox},
		decision: policy.Decision{Outcome: policy.Forbid, Source: policy.SourceConfig, Reason: reason, Text: message}})
}

// ask records the question and waits for its one answer.
func (g *Gate) ask(ctx context.Context, r Request, d policy.Decision, offer event.Amendment) (*event.ApprovalDecidedPayload, *event.ApprovalRequestedPayload, error) {
	request := &event.ApprovalRequestedPayload{
		ApprovalID: uuid.NewString(), ToolName: r.Tool, ActionKind: string(r.Action.Kind), Digest: r.Action.Digest(),
		Reviewer: string(g.opts.Authority.Reviewer), Reason: string(d.Reason), Rule: d.Rule, Deadline: g.opts.Deadline.Milliseconds(),
		OneShot: d.OneShot, Action: event.SecretJSON(r.Action),
	}
	if (len(offer.Prefix) > 0 || offer.Host != "") && g.opts.Amend != nil {
		offer.File = g.opts.RulesFile
		request.Amendment = event.SecretJSON(offer)
	}
	if g.opts.Context != nil {
		request.Context = g.opts.Context()
	}
	answers := g.expect(request.ApprovalID)
	defer g.forget(request.ApprovalID)
	began := g.opts.Stream.Now()
	id := event.NewID()
	if _, err := g.opts.Stream.RecordAnyway(ctx, event.Draft{ID: id, Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Payload: request}); err != nil {
		return nil, nil, err
	}
	lost := g.wait(ctx, answers)
	if lost.answer != nil {
		g.remember(r.Turn, request, lost.answer)
		return lost.answer, request, nil
	}
	closed := &event.ApprovalDecidedPayload{
		ApprovalID: request.ApprovalID, Reviewer: request.Reviewer, Status: lost.status, Digest: request.Digest,
		Reason: "review_" + lost.status, FailureReason: lost.why, Duration: g.opts.Stream.Now().Sub(began).Milliseconds(),
	}
	_, err := g.opts.Stream.RecordAnyway(ctx, event.Draft{Turn: r.Turn, Call: r.CallID, Cause: id, Payload: closed})
	if errors.Is(err, event.ErrAnswered) { // an answer was recorded at this moment: it is the one that counts, once it is here
		return g.late(answers, closed), request, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return closed, request, nil
}

// late is the recorded answer that could not be waited for any longer. It refuses what it may have approved.
func (g *Gate) late(answers <-chan *event.ApprovalDecidedPayload, closed *event.ApprovalDecidedPayload) *event.ApprovalDecidedPayload {
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case a := <-answers:
		if a.Status != event.Approved {
			return a
		}
	case <-patience.C:
	}
	return closed
}

// remember folds a recorded answer in, as a resumed session would.
func (g *Gate) remember(turn string, request *event.ApprovalRequestedPayload, answer *event.ApprovalDecidedPayload) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.standing.Add(&event.Event{Turn: turn, Payload: request})
	g.standing.Add(&event.Event{Turn: turn, Payload: answer})
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
