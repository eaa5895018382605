package human

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"proctor/event"
	"proctor/policy"
	"proctor/reviewer"
)

// The places that a vote can come from.
const (
	ViaTerminal = "terminal" // of the run itself
	ViaCommand  = "command"  // proctor approvals in another process
)

// Vote is what one person answers.
type Vote struct {
	Voter   string // a name, see CheckName
	Via     string
	Approve bool
	Scope   string // of an approval: reviewer.Once, Session or Rule
	Why     string // told to the agent with a refusal
	Digest  event.Hash
	ID      event.ID      // of the event, made when empty
	reason  policy.Reason // of a refusal, ReasonUserDenied when empty
}

// Tally is how far a request is after a vote with that receipt: Approvals of Needed, and once it is decided how and by whom.
type Tally struct {
	Approvals int      `json:"approvals"`
	Needed    int      `json:"needed"`
	Status    string   `json:"status,omitempty"` // empty while it waits
	Scope     string   `json:"scope,omitempty"`
	Voters    []string `json:"voters,omitempty"`

	Receipt event.Receipt `json:"-"` // of the vote
}

// The reasons why a vote does not count.
var (
	ErrUnknown  = errors.New("no such request waits here")
	ErrAnswered = errors.New("it was answered already")
	ErrDigest   = errors.New("the digest is not that of the action that waits; look at it again")
	ErrTwice    = errors.New("the same person has answered it already; another one is needed")
	ErrScope    = errors.New("this approval is not offered for the request")
	ErrName     = errors.New("expected a name of 1 to 64 letters, digits or any of . _ - @")
)

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@"

// CheckName refuses names that could pose as something else in a record.
func CheckName(name string) error {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(nameLetters, r) }) {
		return fmt.Errorf("name %q: %w", visible(name, 64), ErrName)
	}
	return nil
}

// PanelOptions of a Panel.
type PanelOptions struct {
	// People is how many different ones must approve; 1 when zero. One refusal refuses.
	People int
	// Record commits a vote, as the event id, in the session of its request. A vote that is not recorded does not count.
	Record func(ctx context.Context, r reviewer.Request, id event.ID, vote *event.ApprovalVotedPayload) (event.Receipt, error)
	// Terminal asks in the terminal of the run; nil when nobody sits there.
	Terminal *Terminal
}

// Panel is the reviewer that waits for people, wherever they answer. It may be used from several goroutines.
type Panel struct {
	opts PanelOptions

	mu      sync.Mutex
	ballots map[string]*ballot // by approval id: those that wait, and the latest ended ones
	ended   []string
}

// keptBallots bounds how many ended requests are remembered, for the one who answers late.
const keptBallots = 1024

// NewPanel makes a Panel.
func NewPanel(o PanelOptions) *Panel {
	o.People = max(o.People, 1)
	return &Panel{opts: o, ballots: map[string]*ballot{}}
}

// Identity implements reviewer.Reviewer. Who answered is in the verdict.
func (p *Panel) Identity() reviewer.Identity {
	return reviewer.Identity{Name: string(policy.ReviewerUser), Actor: event.User}
}

// ballot is one request. Its lock is held while a vote is recorded, so that votes have an order.
type ballot struct {
	request reviewer.Request
	done    chan struct{} // closed with the verdict

	mu      sync.Mutex
	tally   Tally
	verdict reviewer.Verdict
}

// Review implements reviewer.Reviewer.
func (p *Panel) Review(ctx context.Context, r reviewer.Request) reviewer.Verdict {
	b := &ballot{request: r, done: make(chan struct{}), tally: Tally{Needed: p.opts.People}}
	p.mu.Lock()
	p.ballots[r.ID] = b
	p.mu.Unlock()
	defer p.end(r.ID)
	asking, stop := context.WithCancelCause(ctx)
	var terminal sync.WaitGroup
	if p.opts.Terminal != nil {
		terminal.Go(func() { p.ask(asking, b) })
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		b.close(reviewer.Ended(ctx, 0))
	}
	v, tally := b.result()
	stop(&answered{tally})
	terminal.Wait()
	return v
}

// ask turns the answer at the terminal into a vote.
func (p *Panel) ask(ctx context.Context, b *ballot) {
	t := p.opts.Terminal
	v := t.Review(ctx, b.request)
	if v.Status != reviewer.Approved && v.Status != reviewer.Denied {
		return // nobody answered; the review itself says why
	}
	vote := Vote{Voter: t.opts.Name, Via: ViaTerminal, Approve: v.Status == reviewer.Approved, Scope: v.Scope, Why: v.Rationale,
		Digest: b.request.Digest, reason: v.Reason}
	tally, err := p.vote(context.WithoutCancel(ctx), b, vote)
	switch {
	case err != nil:
		t.say("the answer does not count: " + err.Error())
	case tally.Status == "":
		t.say(fmt.Sprintf("%d of %d approvals; another person answers with: proctor approvals approve %s", tally.Approvals, tally.Needed, b.request.ID))
	}
}

// answered is why a question at the terminal ends: the request was answered elsewhere.
type answered struct{ Tally }

func (a *answered) Error() string {
	if len(a.Voters) == 0 {
		return a.Status
	}
	return a.Status + " by " + strings.Join(a.Voters, " and ")
}

func (p *Panel) end(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = append(p.ended, id)
	if len(p.ended) > keptBallots {
		delete(p.ballots, p.ended[0])
		p.ended = p.ended[1:]
	}
}

// Vote counts the answer of one person, after it is recorded.
func (p *Panel) Vote(ctx context.Context, approval string, v Vote) (Tally, error) {
	if err := CheckName(v.Voter); err != nil {
		return Tally{}, err
	}
	p.mu.Lock()
	b := p.ballots[approval]
	p.mu.Unlock()
	if b == nil {
		return Tally{}, fmt.Errorf("approval request %q: %w", visible(approval, 64), ErrUnknown)
	}
	return p.vote(ctx, b, v)
}

func (p *Panel) vote(ctx context.Context, b *ballot, v Vote) (Tally, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := string(policy.ReviewerUser) + ":" + v.Voter
	if err := b.check(v, name); err != nil {
		return b.tally, err
	}
	next := b.tally
	next.Voters = append(slices.Clone(next.Voters), name)
	payload := &event.ApprovalVotedPayload{
		ApprovalID: b.request.ID, ReviewID: b.request.ReviewID, Voter: name, Via: v.Via, Vote: event.Denied, Digest: b.request.Digest,
		Needed: next.Needed, Rationale: event.Secret(v.Why),
	}
	if v.Approve {
		next.Approvals++
		next.Scope = narrower(next.Scope, v.Scope)
		payload.Vote, payload.Scope = event.Approved, v.Scope
	}
	payload.Approvals = next.Approvals
	if v.ID == "" {
		v.ID = event.NewID()
	}
	receipt, err := p.opts.Record(ctx, b.request, v.ID, payload)
	if err != nil {
		return b.tally, fmt.Errorf("record the vote: %w", err)
	}
	next.Receipt = receipt
	b.tally = next
	switch {
	case !v.Approve:
		verdict := refused(policy.ReasonUserDenied, v.Why)
		if v.reason != "" {
			verdict.Reason = v.reason
		}
		b.finish(verdict, name)
	case next.Approvals >= next.Needed:
		verdict := approved(next.Scope)
		verdict.Rationale = v.Why
		b.finish(verdict, name)
	}
	return b.tally, nil
}

// check says why v does not count.
func (b *ballot) check(v Vote, name string) error {
	switch {
	case b.tally.Status != "":
		return fmt.Errorf("%w: %w", ErrAnswered, &answered{b.tally})
	case v.Digest != b.request.Digest:
		return ErrDigest
	case slices.Contains(b.tally.Voters, name):
		return fmt.Errorf("%s: %w", name, ErrTwice)
	case !v.Approve:
		return nil
	}
	if _, whole := question(b.request); !whole {
		return errors.New("the action is too large to be shown whole, so it can only be refused")
	}
	if !slices.Contains(Scopes(b.request), v.Scope) {
		return fmt.Errorf("%q: %w; it can be approved for: %s", visible(v.Scope, 32), ErrScope, strings.Join(Scopes(b.request), ", "))
	}
	return nil
}

// finish and close settle the ballot, once; finish is called with the lock held.
func (b *ballot) finish(v reviewer.Verdict, by string) {
	if b.tally.Status != "" {
		return
	}
	v.By, v.Voters = by, b.tally.Voters
	b.verdict, b.tally.Status = v, string(v.Status)
	if v.Status != reviewer.Approved {
		b.tally.Scope = ""
	}
	close(b.done)
}

func (b *ballot) close(v reviewer.Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish(v, "")
}

func (b *ballot) result() (reviewer.Verdict, Tally) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.verdict, b.tally
}

// scopes, narrowest first.
var scopes = [...]string{reviewer.Once, reviewer.Session, reviewer.Rule}

func narrower(a, b string) string {
	if a == "" || slices.Index(scopes[:], b) < slices.Index(scopes[:], a) {
		return b
	}
	return a
}

// Scopes are what a request can be approved for.
func Scopes(r reviewer.Request) []string {
	out := []string{reviewer.Once}
	if forSession(r) {
		out = append(out, reviewer.Session)
	}
	if _, offered := ruleLine(r); offered {
		out = append(out, reviewer.Rule)
	}
	return out
}
