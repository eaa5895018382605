package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/reviewer"
	"proctor/reviewer/auto"
	"proctor/reviewer/auto/remote"
)

// ReReviewOptions are the flags of proctor replay --re-review.
type ReReviewOptions struct {
	Session   string
	Last, All bool
	// Model judges instead of the configured one; PolicyFile replaces the tenant section of the policy.
	Model, PolicyFile string
	JSON              bool
}

// Judged is one recorded review judged again.
type Judged struct {
	Approval string    `json:"approval_id"`
	Seq      event.Seq `json:"seq"` // of the recorded answer
	Session  string    `json:"session"`
	Call     string    `json:"call,omitempty"`
	Asked    string    `json:"asked"`
	Was      Judgement `json:"was"`
	Now      Judgement `json:"now"`
	// Differs: what was let through would be refused now, or the other way round.
	Differs bool `json:"differs"`
	// Unknown says why there is no judgement now.
	Unknown string `json:"unknown,omitempty"`
}

// Judgement is how a review ended.
type Judgement struct {
	Reviewer      string      `json:"reviewer"`
	Status        string      `json:"status"`
	RiskLevel     string      `json:"risk_level,omitempty"`
	Authorization string      `json:"user_authorization,omitempty"`
	Reason        string      `json:"reason,omitempty"`
	Rationale     string      `json:"rationale,omitempty"`
	Usage         event.Usage `json:"usage,omitzero"`
}

// ReReviewed counts what came out.
type ReReviewed struct {
	Reviews int         `json:"reviews"`
	Differ  int         `json:"differ"`
	Unknown int         `json:"unknown"`
	Usage   event.Usage `json:"usage"`
	Cost    int64       `json:"cost_micros,omitempty"`
}

// maxPolicyFile bounds a policy text, in bytes.
const maxPolicyFile = 256 << 10

// ReReview sends recorded review requests to a model again, each on its own with what was recorded with it. It runs nothing, gives
// the reviewer no tools, and records nothing: the question is about the past, and the sessions it reads are closed. Status is Gate
// when an outcome differs.
func ReReview(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, o ReReviewOptions) error {
	opts := reviewOptions(cfg)
	if o.Model != "" {
		opts.Model = o.Model
	}
	if o.PolicyFile != "" {
		text, err := readPolicyFile(env, o.PolicyFile)
		if err != nil {
			return err
		}
		opts.Policy.Managed = text
	}
	client, err := reviewClient(env, cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	judge := auto.New(remote.Client{Stream: client.Stream, Headers: map[string]string{"originator": wireOriginator}}, opts)
	out := bufio.NewWriter(env.Stdout)
	again := rereview{judge: judge, asked: map[string]reviewer.Request{}, found: func(j Judged) error {
		return errors.Join(printJudged(out, j, o.JSON), out.Flush())
	}}
	if err := s.eachOf(ctx, WhatIfOptions{Session: o.Session, Last: o.Last, All: o.All}, func(e event.Entry) error { return again.add(ctx, e) }); err != nil {
		return err
	}
	sum := again.sum
	if o.JSON {
		err = json.NewEncoder(out).Encode(map[string]ReReviewed{"summary": sum})
	} else {
		_, err = fmt.Fprintf(out, "%d reviews by %s: %d differ, %d unknown, %d tokens\n", sum.Reviews, opts.Model, sum.Differ, sum.Unknown, sum.Usage.Input+sum.Usage.Output)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if sum.Differ > 0 {
		return cli.Fail(cli.Gate, cli.ErrSilent)
	}
	if sum.Reviews > 0 && sum.Unknown == sum.Reviews {
		return cli.Fail(cli.Failure, errors.New("no review could be judged again; the reason is above, or in --json"))
	}
	return nil
}

func readPolicyFile(env cli.Env, path string) (string, error) {
	f, err := os.Open(env.Abs(path))
	if err != nil {
		return "", cli.Fail(cli.Usage, fmt.Errorf("--policy: %w; expected a text file with the rules of the environment", err))
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxPolicyFile+1))
	switch {
	case err != nil:
		return "", cli.Fail(cli.Usage, fmt.Errorf("--policy %s: %w", path, err))
	case len(b) > maxPolicyFile:
		return "", cli.Fail(cli.Usage, fmt.Errorf("--policy %s: more than %d bytes", path, maxPolicyFile))
	}
	return string(b), nil
}

// rereview pairs recorded requests with their answers.
type rereview struct {
	judge *auto.Reviewer
	asked map[string]reviewer.Request // by approval, until answered
	found func(Judged) error
	sum   ReReviewed
}

func (r *rereview) add(ctx context.Context, e event.Entry) error {
	if e.Event == nil {
		return nil
	}
	switch p := e.Event.Payload.(type) {
	case *event.ApprovalRequestedPayload:
		q, err := reviewer.Read(e)
		if q.ID == "" || q.Answered {
			return nil
		}
		if err != nil { // erased, or of another version
			q.Tool = ""
		}
		r.asked[e.Session+"/"+q.ID] = q
	case *event.ApprovalDecidedPayload:
		q, ok := r.asked[e.Session+"/"+p.ApprovalID]
		if !ok {
			return nil
		}
		delete(r.asked, e.Session+"/"+p.ApprovalID)
		return r.again(ctx, e, q, p)
	case *event.SessionClosedPayload:
		maps.DeleteFunc(r.asked, func(_ string, q reviewer.Request) bool { return q.Session == e.Session })
	}
	return nil
}

// again judges one request.
func (r *rereview) again(ctx context.Context, e event.Entry, q reviewer.Request, p *event.ApprovalDecidedPayload) error {
	said, _ := p.Rationale.Reveal()
	j := Judged{
		Approval: p.ApprovalID, Seq: e.Seq, Session: e.Session, Call: e.Event.Call, Asked: askedOf(q),
		Was: Judgement{Reviewer: p.Reviewer, Status: p.Status, RiskLevel: p.RiskLevel, Authorization: p.Authorization, Reason: p.Reason, Rationale: said},
	}
	r.sum.Reviews++
	if q.Tool == "" {
		j.Unknown = "its content was erased, or is not known to this version"
	} else {
		// A conversation of its own: no recorded review is context of another.
		q.Session, q.ReviewID = q.ID, string(event.NewID())
		v := r.judge.Review(ctx, q)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		j.Now = Judgement{
			Reviewer: r.judge.Identity().Name, Status: string(v.Status), RiskLevel: string(v.Risk), Authorization: string(v.Authorization),
			Reason: string(v.Reason), Rationale: v.Rationale, Usage: v.Trace.Usage,
		}
		r.sum.Usage, r.sum.Cost = r.sum.Usage.Add(v.Trace.Usage), r.sum.Cost+v.Trace.Cost
		if v.Status == reviewer.Approved || v.Status == reviewer.Denied {
			j.Differs = (v.Status == reviewer.Approved) != (p.Status == event.Approved)
		} else {
			j.Unknown = v.Rationale
		}
	}
	switch {
	case j.Differs:
		r.sum.Differ++
	case j.Unknown != "":
		r.sum.Unknown++
	}
	return r.found(j)
}

func askedOf(q reviewer.Request) string {
	text := q.Tool
	switch a := q.Action; {
	case len(a.Argv) > 0:
		text = event.CommandLine(a.Argv)
	case len(a.Files) > 0:
		text += " " + event.CommandLine(a.Files)
	case a.Host != "":
		text += " " + a.Host
	default:
		text += " " + a.Arguments + a.Input
	}
	return shorten(text, maxListedText)
}

func printJudged(w io.Writer, j Judged, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(j)
	}
	if !j.Differs && j.Unknown == "" {
		return nil
	}
	if _, err := fmt.Fprintf(w, "seq %d, session %s, call %s\n  %s\n  was  %s\n", j.Seq, cli.Plain(j.Session), cli.Plain(j.Call), cli.Plain(j.Asked), judgementText(j.Was)); err != nil {
		return err
	}
	now := judgementText(j.Now)
	if j.Unknown != "" {
		now = "unknown: " + cli.Plain(shorten(j.Unknown, maxListedText))
	}
	_, err := fmt.Fprintf(w, "  now  %s\n", now)
	return err
}

func judgementText(j Judgement) string {
	text := fmt.Sprintf("%s by %s", j.Status, cli.Plain(j.Reviewer))
	if j.RiskLevel != "" {
		text += fmt.Sprintf(", risk %s, authorization %s", cli.Plain(j.RiskLevel), cli.Plain(j.Authorization))
	}
	if j.Rationale != "" {
		text += ": " + cli.Plain(shorten(j.Rationale, maxListedText))
	}
	return text
}
