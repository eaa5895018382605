package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/approval"
	"proctor/internal/cli"
	"proctor/ledger"
)

// OverrideApproval lets the action of a request that was not approved through once.
func OverrideApproval(ctx context.Context, env cli.Env, s *Store, id string, o Answer) error {
	by, err := o.by(env)
	if err != nil {
		return err
	}
	a, err := s.request(ctx, id)
	switch {
	case err != nil:
		return cli.Fail(cli.Failure, err)
	case a.Decided == nil:
		return cli.Fail(cli.Failure, fmt.Errorf("approval %s waits for an answer: use 'proctor approvals approve'", a.Request.ID))
	case a.Decided.Status == event.Approved:
		return cli.Fail(cli.Failure, fmt.Errorf("approval %s was approved: there is nothing to override", a.Request.ID))
	case a.Broken != nil:
		return cli.Fail(cli.Failure, a.Broken)
	}
	if o.For <= 0 || o.For > approval.MaxOverride {
		return cli.Fail(cli.Usage, fmt.Errorf("--for %s: expected a time up to %s, for example 10m", o.For, approval.MaxOverride))
	}
	if err := o.confirm(env, a, "Permit it once, within "+o.For.String()+"?"); err != nil {
		return err
	}
	p := &event.OverrideGrantedPayload{
		OverrideID: string(event.NewID()), ApprovalID: a.Request.ID, By: by, Digest: a.Request.Digest,
		Expires: time.Now().Add(o.For).UnixMilli(), Rationale: event.Secret(o.Why),
	}
	draft := event.Draft{ID: event.NewID(), Turn: a.Request.Turn, Call: a.Request.Call, Cause: a.Event, Actor: event.User, Payload: p}
	check := func(st *executor.State) error {
		if st.Start != nil && st.Start.Originator == runOriginator {
			return errors.New("'proctor run' has ended and does not go on: run the command again in a terminal and answer its question")
		}
		return checkOverride(st.Standing.Refused, p, time.Now())
	}
	if err := s.into(ctx, a.Request.Session, draft, check); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("override of %s: %w", a.Request.ID, err))
	}
	if o.JSON {
		return encode(env.Stdout, p)
	}
	_, _ = fmt.Fprintf(env.Stdout, "%s: the action with digest %s may run once in session %s until %s\n", p.OverrideID, p.Digest, a.Request.Session,
		time.UnixMilli(p.Expires).Local().Format(time.DateTime))
	return nil
}

// into records a draft in a session: by the process that runs it, or, when none does, here; check says what holds the latter back.
func (s *Store) into(ctx context.Context, session string, draft event.Draft, check func(*executor.State) error) error {
	release, err := ledger.Claim(s.dir, session)
	if errors.Is(err, ledger.ErrClaimed) {
		in, err := s.borrow(ctx, session)
		if err == nil {
			_, err = in.Record(ctx, draft)
		}
		return err
	}
	if err != nil {
		return err
	}
	defer release()
	if err := s.refresh(); err != nil {
		return err
	}
	st, err := executor.Load(ctx, s.Ledger, session)
	if err != nil {
		return err
	}
	if st == nil || !st.Closed {
		return fmt.Errorf("session %s is not closed, and no process runs it", session)
	}
	if err := check(st); err != nil {
		return err
	}
	stream, err := s.Stream(session, st.Last)
	if err != nil {
		return err
	}
	_, err = stream.RecordAnyway(ctx, draft, event.Draft{Actor: event.System, Payload: &event.SessionClosedPayload{
		Reason: "annotated", Events: st.Last + 2, Counts: map[event.Kind]uint64{draft.Payload.Kind(): 1},
	}})
	return err
}
