package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/internal/cli"
	"proctor/policy"
	people "proctor/reviewer/human"
)

// desk takes what other processes have for the session that runs here: votes, overrides, revocations. It is the bus.Recorder
// that the session is lent through: everything is checked here, recorded in the session's own stream, and then in force.
type desk struct {
	session string
	now     func() time.Time
	gate    *approval.Gate
	panel   *people.Panel // nil when no person is asked in this session
}

// Session implements bus.Recorder.
func (d *desk) Session() string { return d.session }

var errOnePaper = errors.New("expected one vote, override or revocation")

// Record implements bus.Recorder.
func (d *desk) Record(ctx context.Context, drafts ...event.Draft) ([]event.Receipt, error) {
	if len(drafts) != 1 {
		return nil, errOnePaper
	}
	draft := drafts[0]
	draft.Actor = event.User
	switch p := draft.Payload.(type) {
	case *event.ApprovalVotedPayload:
		return d.vote(ctx, draft.ID, p)
	case *event.OverrideGrantedPayload:
		if err := checkOverride(d.gate.Refused, p, d.now()); err != nil {
			return nil, err
		}
		return d.gate.Change(ctx, draft)
	case *event.GrantRevokedPayload:
		if err := checkPerson(p.By); err != nil {
			return nil, err
		}
		if p.Rule == "" && !d.gate.Holds(p.Grant) {
			return nil, fmt.Errorf("grant %q: %w", p.Grant, errNoGrant)
		}
		return d.gate.Change(ctx, draft)
	}
	return nil, errOnePaper
}

var errNoGrant = errors.New("nothing with that id is in force; 'proctor approvals grants' lists what is")

func (d *desk) vote(ctx context.Context, id event.ID, p *event.ApprovalVotedPayload) ([]event.Receipt, error) {
	if d.panel == nil {
		return nil, errors.New("no person is asked in this session")
	}
	why, _ := p.Rationale.Reveal()
	name, ok := strings.CutPrefix(p.Voter, personPrefix)
	if !ok || len(why) > maxWhy || p.Vote != event.Approved && p.Vote != event.Denied {
		return nil, errOnePaper
	}
	tally, err := d.panel.Vote(ctx, p.ApprovalID, people.Vote{
		ID: id, Voter: name, Via: people.ViaCommand, Approve: p.Vote == event.Approved, Scope: p.Scope, Why: why, Digest: p.Digest,
	})
	if err != nil {
		return nil, err
	}
	return []event.Receipt{tally.Receipt}, nil
}

const (
	personPrefix = string(policy.ReviewerUser) + ":"
	// maxWhy bounds what a person says with an answer, in bytes.
	maxWhy = 4 << 10
)

func checkPerson(by string) error {
	name, ok := strings.CutPrefix(by, personPrefix)
	if !ok {
		return fmt.Errorf("%q is no person", cli.Plain(shorten(by, 64)))
	}
	return people.CheckName(name)
}

// checkOverride says why an override may not be: it is about a request of this session that was not approved, about its exact action, not of
// critical risk, and for a while only.
func checkOverride(refused func(approval string) (event.Action, string, bool), p *event.OverrideGrantedPayload, now time.Time) error {
	if err := checkPerson(p.By); err != nil {
		return err
	}
	action, risk, ok := refused(p.ApprovalID)
	left := time.UnixMilli(p.Expires).Sub(now)
	switch {
	case !ok:
		return errors.New("no refused request of that id is known in the session; what a rule, a requirement or the approval policy forbids cannot be overridden")
	case action.Digest() != p.Digest:
		return people.ErrDigest
	case !approval.Overridable(risk):
		return errors.New("the reviewer rated the action as of critical risk: nobody overrides that")
	case left <= 0 || left > approval.MaxOverride:
		return fmt.Errorf("an override holds for at most %s", approval.MaxOverride)
	}
	return nil
}
