package approval

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/filesystem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reviewers is a sink whose committed requests are answered by a function, and the watcher that delivers the answers.
type reviewers struct {
	mu      sync.Mutex
	events  []*event.Event
	deliver func(event.Entry)
	answer  func(*event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload
	delay   time.Duration
	all     sync.WaitGroup
}

type done struct{ n int }

func (d done) Wait(context.Context) ([]event.Receipt, error) { return make([]event.Receipt, d.n), nil }

func (r *reviewers) Submit(_ context.Context, events ...*event.Event) (event.Pending, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, events...)
	for _, e := range events {
		if p, ok := e.Payload.(*event.ApprovalRequestedPayload); ok && r.answer != nil {
			r.all.Go(func() {
				time.Sleep(r.delay)
				for _, a := range r.answer(p) {
					r.deliver(event.Entry{Kind: event.ApprovalDecided, Event: &event.Event{Kind: event.ApprovalDecided, Payload: a}})
				}
			})
		}
	}
	return done{len(events)}, nil
}

func (r *reviewers) Watch(_ string, _ event.Kind, f func(event.Entry)) (func(), error) {
	r.deliver = f
	return func() {}, nil
}

func (r *reviewers) decided() (out []*event.ApprovalDecidedPayload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if p, ok := e.Payload.(*event.ApprovalDecidedPayload); ok {
			out = append(out, p)
		}
	}
	return out
}

var (
	inside = filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff, Writable: []filesystem.Root{{Path: "/w", Kind: filesystem.Dir}}}
	full   = filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn}
)

func gate(t *testing.T, r *reviewers) *Gate {
	t.Helper()
	stream, err := event.NewStream("s", 0, "", "", r, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(Options{Stream: stream, Watcher: r, Authority: Authority{
		Approval: policy.ApprovalPolicy{Mode: policy.OnRequest}, Sandbox: policy.WorkspaceWrite, Reviewer: policy.ReviewerAuto,
		Headless: true, Plan: inside, Escalated: full, Digest: "policy",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func escalation() Request {
	return Request{Turn: "t", CallID: "c", Tool: "exec_command", Namespace: "functions", Action: event.Action{
		Kind: event.ActionCommand, Tool: "exec_command", Argv: []string{"/bin/bash", "-lc", "make install"}, Cwd: "/w",
		Permissions: event.RequireEscalated, Justification: "needs /usr/local",
	}}
}

func says(status string) func(*event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
	return func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		return []*event.ApprovalDecidedPayload{{ApprovalID: p.ApprovalID, Reviewer: "auto_review:m", Status: status, Digest: p.Digest, Reason: "r"}}
	}
}

func TestAnApprovalLetsTheActionLeaveTheSandbox(t *testing.T) {
	r := &reviewers{answer: says(event.Approved)}
	g := gate(t, r)
	out, err := g.Rule(t.Context(), escalation())
	r.all.Wait()
	if err != nil || !out.Allowed || !out.Escalated || !out.Plan.Unconfined {
		t.Fatalf("got %+v, %v", out, err)
	}
	d := out.Decision.Payload.(*event.ToolDecisionPayload)
	if d.Decision != "approved" || d.Source != "AutomatedReviewer" || d.Outcome != "allow" || d.Digest != escalation().Action.Digest() {
		t.Errorf("decision %+v", d)
	}
}

func TestNoAnswerIsNo(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload
		delay  time.Duration
		word   string
	}{
		"nobody answers": {nil, 0, "timed_out"},
		"denied":         {says(event.Denied), 0, "denied"},
		"failed":         {says(event.FailedClosed), 0, "denied"},
		"timed out":      {says(event.TimedOut), 0, "timed_out"},
		"aborted":        {says(event.Aborted), 0, "abort"},
		"unknown word":   {says("sure"), 0, "denied"},
		"too late":       {says(event.Approved), 10 * time.Minute, "timed_out"},
		"another action": {func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
			return []*event.ApprovalDecidedPayload{{ApprovalID: p.ApprovalID, Status: event.Approved, Digest: event.Hash{1}}}
		}, 0, "denied"},
		"another request": {func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
			return []*event.ApprovalDecidedPayload{{ApprovalID: "x", Status: event.Approved, Digest: p.Digest}}
		}, 0, "timed_out"},
		"denied, then approved": {func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
			return append(says(event.Denied)(p), says(event.Approved)(p)...)
		}, 0, "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reviewers{answer: c.answer, delay: c.delay}
				out, err := gate(t, r).Rule(t.Context(), escalation())
				if err != nil {
					t.Fatal(err)
				}
				r.all.Wait()
				d := out.Decision.Payload.(*event.ToolDecisionPayload)
				if out.Allowed || out.Escalated || out.Plan.Unconfined || out.Message == "" || d.Outcome != "forbid" {
					t.Errorf("got %+v, decision %+v", out, d)
				}
				if d.Decision != c.word {
					t.Errorf("decision %q, want %q", d.Decision, c.word)
				}
			})
		})
	}
}

func TestACancelledTurnEndsTheWaitAndIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reviewers{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		out, err := gate(t, r).Rule(ctx, escalation())
		if err != nil || out.Allowed {
			t.Fatalf("got %+v, %v", out, err)
		}
		if got := r.decided(); len(got) != 1 || got[0].Status != event.Aborted {
			t.Errorf("recorded %+v", got)
		}
	})
}

func TestTheRequestIsRecordedWithTheExactAction(t *testing.T) {
	r := &reviewers{answer: says(event.Denied)}
	if _, err := gate(t, r).Rule(t.Context(), escalation()); err != nil {
		t.Fatal(err)
	}
	r.all.Wait()
	p := r.events[0].Payload.(*event.ApprovalRequestedPayload)
	text, _ := p.Action.Reveal()
	var a event.Action
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(escalation().Action, a); diff != "" || p.Digest != a.Digest() {
		t.Errorf("recorded action (-want +got):\n%s", diff)
	}
}

func TestWhatStaysInTheSandboxIsNotReviewed(t *testing.T) {
	r := &reviewers{answer: says(event.Denied)}
	request := escalation()
	request.Action.Permissions = event.UseDefault
	out, err := gate(t, r).Rule(t.Context(), request)
	if err != nil || !out.Allowed || out.Escalated || len(r.events) != 0 {
		t.Errorf("got %+v, %v, %d events", out, err, len(r.events))
	}
}
