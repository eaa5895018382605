package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/internal/cli"
	"proctor/policy"
	people "proctor/reviewer/human"
)

// ListApprovals prints the requests that wait for people, or with all every request of every session.
func ListApprovals(ctx context.Context, env cli.Env, s *Store, all, asJSON bool) error {
	find := s.waiting
	if all {
		find = s.everyRequest
	}
	list, err := find(ctx)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		return encodeLines(env.Stdout, list, (*askedFor).json)
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintln(env.Stderr, "proctor: nothing waits for approval")
		return nil
	}
	table := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "APPROVAL\tSTATUS\tLEFT\tVOTES\tTOOL\tACTION")
	for _, a := range list {
		status, left := statusWaiting, time.Until(a.Request.Deadline).Round(time.Second).String()
		if a.Decided != nil {
			status, left = a.Decided.Status, "-"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", a.Request.ID, status, left, len(a.Votes), cli.Plain(shorten(a.Request.Tool, 24)),
			cli.Plain(shorten(summaryOf(a.Request.Action), 64)))
	}
	return cli.Fail(cli.Failure, table.Flush())
}

// summaryOf is one line for an action.
func summaryOf(a event.Action) string {
	switch {
	case len(a.Argv) > 0:
		return event.CommandLine(a.Argv)
	case a.Host != "":
		return fmt.Sprintf("%s:%d (%s)", a.Host, a.Port, a.Protocol)
	case a.Server != "":
		return a.Server + "." + a.Tool
	case len(a.Files) > 0:
		return strings.Join(a.Files, " ")
	}
	return string(a.Kind)
}

// ShowApproval prints one request.
func ShowApproval(ctx context.Context, env cli.Env, s *Store, id string, asJSON bool) error {
	a, err := s.request(ctx, id)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		return encode(env.Stdout, a.json())
	}
	return cli.Fail(cli.Failure, a.write(env.Stdout))
}

// Answer are the flags of approve, deny and override.
type Answer struct {
	Approve bool
	Scope   string
	Digest  string // beginning of the digest that was looked at
	As      string // who answers; the account of this process when empty
	Why     string
	For     time.Duration // of an override
	JSON    bool
}

// minDigest is how many digits of a digest name it.
const minDigest = 8

// by is who answers.
func (o Answer) by(env cli.Env) (string, error) {
	name := o.As
	if name == "" {
		name = userName(env)
	}
	if err := people.CheckName(name); err != nil {
		return "", cli.Fail(cli.Usage, fmt.Errorf("--as: %w", err))
	}
	if len(o.Why) > maxWhy {
		return "", cli.Fail(cli.Usage, fmt.Errorf("--reason: %d bytes, at most %d are allowed", len(o.Why), maxWhy))
	}
	return personPrefix + name, nil
}

// confirm makes sure that what is approved is what the person saw: they name its digest, or say yes to what is shown here.
func (o Answer) confirm(env cli.Env, a *askedFor, question string) error {
	if o.Digest != "" {
		if len(o.Digest) < minDigest || !strings.HasPrefix(a.Request.Digest.String(), strings.ToLower(o.Digest)) {
			return cli.Fail(cli.Failure, fmt.Errorf("--digest %s: the action of approval %s has the digest %s; look at it with 'proctor approvals show' (at least %d digits)",
				cli.Plain(shorten(o.Digest, 64)), a.Request.ID, a.Request.Digest, minDigest))
		}
		return nil
	}
	if err := a.write(env.Stderr); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if !env.StdinTerminal || !env.StderrTerminal {
		return cli.Fail(cli.Usage, fmt.Errorf("name the digest of what you looked at: --digest %s", a.Request.Digest.String()[:12]))
	}
	keys := &keyboard{in: cli.File(env.Stdin)}
	typed, err := keys.Begin() // what was typed before the action was shown does not confirm it
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	defer keys.End()
	_, _ = fmt.Fprint(env.Stderr, question+" [y/n]: ")
	line, err := bufio.NewReader(io.LimitReader(typed, 64)).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err != nil || answer != "y" && answer != "yes" {
		return cli.Fail(cli.Failure, errors.New("not approved: nothing was recorded"))
	}
	return nil
}

// AnswerApproval records the vote of one person in the session that waits, and says what it came to.
func AnswerApproval(ctx context.Context, env cli.Env, s *Store, id string, o Answer) error {
	by, err := o.by(env)
	if err != nil {
		return err
	}
	a, err := s.request(ctx, id)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if err := a.open(); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if o.Approve {
		if err := o.confirm(env, a, "Approve "+o.Scope+"?"); err != nil {
			return err
		}
	}
	p := &event.ApprovalVotedPayload{
		ApprovalID: a.Request.ID, Voter: by, Via: people.ViaCommand, Vote: event.Denied, Digest: a.Request.Digest, Rationale: event.Secret(o.Why),
	}
	if o.Approve {
		p.Vote, p.Scope = event.Approved, o.Scope
	}
	draft := event.Draft{ID: event.NewID(), Turn: a.Request.Turn, Call: a.Request.Call, Cause: a.Event, Actor: event.User, Payload: p}
	in, err := s.borrow(ctx, a.Request.Session)
	if err != nil {
		return err
	}
	if _, err := in.Record(ctx, draft); err != nil {
		return cli.Fail(cli.Failure, s.notCounted(ctx, a, err))
	}
	return s.outcome(ctx, env, a.Request.ID, a.Request.Session, draft.ID, o.JSON)
}

// open says why a request cannot be answered any more.
func (a *askedFor) open() error {
	switch {
	case a.Decided != nil:
		return fmt.Errorf("approval %s: %s", a.Request.ID, a.ending())
	case a.To != string(policy.ReviewerUser):
		return fmt.Errorf("approval %s: it is for %s, and no person is asked", a.Request.ID, a.To)
	case a.Broken != nil:
		return a.Broken
	}
	return nil
}

func (a *askedFor) ending() string {
	return fmt.Sprintf("it was answered already: %s by %s", a.Decided.Status, a.Decided.Reviewer)
}

// notCounted says why a vote did not count, by what became of the request.
func (s *Store) notCounted(ctx context.Context, a *askedFor, err error) error {
	if s.refresh() == nil {
		if now, again := s.request(ctx, a.Request.ID); again == nil && now.Decided != nil {
			return fmt.Errorf("approval %s: %s; the answer does not count", a.Request.ID, now.ending())
		}
	}
	if errors.Is(err, bus.ErrNotLent) {
		return fmt.Errorf("approval %s: the run that asked is gone; nothing waits for an answer", a.Request.ID)
	}
	return fmt.Errorf("approval %s: %w", a.Request.ID, err)
}

// settle is how long the final word may take after the vote that brings it.
const settle = 10 * time.Second

// outcome waits for what a vote came to.
func (s *Store) outcome(ctx context.Context, env cli.Env, approval, session string, id event.ID, asJSON bool) error {
	deadline := time.Now().Add(settle)
	for {
		if err := s.refresh(); err != nil {
			return cli.Fail(cli.Failure, err)
		}
		f, err := s.requests(ctx, session)
		if err != nil {
			return cli.Fail(cli.Failure, err)
		}
		a := f.find(approval)
		if a == nil {
			return cli.Fail(cli.Failure, errNoRequest)
		}
		mine := a.voteOf(id)
		final := mine != nil && (mine.Vote == event.Denied || mine.Approvals >= mine.Needed)
		if (a.Decided == nil && final || mine == nil) && time.Now().Before(deadline) {
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return err
			}
			continue
		}
		if asJSON {
			err = encode(env.Stdout, a.json())
		} else {
			_, err = fmt.Fprintln(env.Stdout, a.standing(mine))
		}
		if err == nil && final && (a.Decided == nil || a.Decided.Status != mine.Vote) {
			err = errors.New("the answer was recorded, and did not decide: it came too late")
		}
		return cli.Fail(cli.Failure, err)
	}
}

// standing is one line on how far a request is after a vote.
func (a *askedFor) standing(mine *event.ApprovalVotedPayload) string {
	switch {
	case a.Decided != nil:
		return strings.TrimSpace(fmt.Sprintf("%s: %s by %s %s", a.Request.ID, a.Decided.Status, a.Decided.Reviewer, a.Decided.Scope)) + "; digest " + a.Request.Digest.String()
	case mine != nil:
		return fmt.Sprintf("%s: %d of %d approvals; another person must approve too", a.Request.ID, mine.Approvals, mine.Needed)
	}
	return a.Request.ID + ": recorded"
}

func (a *askedFor) voteOf(id event.ID) *event.ApprovalVotedPayload {
	for _, v := range a.Votes {
		if v.ID == id {
			return v.ApprovalVotedPayload
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return cli.Fail(cli.ExitOf(context.Cause(ctx)), context.Cause(ctx))
	}
}
