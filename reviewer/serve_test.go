package reviewer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"proctor/event"
	"proctor/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk stands for bus and ledger of one session.
type desk struct {
	mu     sync.Mutex
	drafts []event.Draft
	fail   func(event.Kind) error // nil: all is recorded
	f      func(event.Entry)
	calls  sync.WaitGroup
	group  string
}

func (d *desk) Subscribe(_ context.Context, kind event.Kind, group string, f func(event.Entry)) (func(), error) {
	if kind != event.ApprovalRequested {
		return nil, fmt.Errorf("subscribed to %s", kind)
	}
	d.f, d.group = f, group
	return d.calls.Wait, nil
}

func (d *desk) send(e event.Entry) { d.calls.Go(func() { d.f(e) }) }

func (d *desk) Publish(ctx context.Context, drafts ...event.Draft) error {
	_, err := d.Record(ctx, drafts...)
	return err
}

func (d *desk) Record(ctx context.Context, drafts ...event.Draft) ([]event.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, draft := range drafts {
		if d.fail != nil {
			if err := d.fail(draft.Payload.Kind()); err != nil {
				return nil, err
			}
		}
	}
	d.drafts = append(d.drafts, drafts...)
	return make([]event.Receipt, len(drafts)), nil
}

func (d *desk) streams(session string) (Recorder, bool) { return d, session == "s-1" }

// decided are the terminal events of each approval.
func (d *desk) decided() map[string][]*event.ApprovalDecidedPayload {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string][]*event.ApprovalDecidedPayload{}
	for _, draft := range d.drafts {
		switch p := draft.Payload.(type) {
		case *event.ReviewStartedPayload:
			if _, ok := out[p.ApprovalID]; !ok {
				out[p.ApprovalID] = nil
			}
		case *event.ApprovalDecidedPayload:
			out[p.ApprovalID] = append(out[p.ApprovalID], p)
		}
	}
	return out
}

func request(id string, deadline time.Duration) event.Entry {
	a := event.Action{Kind: event.ActionCommand, Tool: "exec_command", Argv: []string{"make", "install"}, Permissions: event.RequireEscalated}
	b, _ := json.Marshal(a)
	return entry(&event.ApprovalRequestedPayload{ApprovalID: id, ToolName: a.Tool, ActionKind: string(a.Kind), Digest: a.Digest(),
		Reviewer: "auto_review", Reason: "escalation_requested", Deadline: deadline.Milliseconds(), Action: event.Secret(string(b)), Context: event.Secret(`{"cwd":"/ws","later":1}`)})
}

func entry(p event.Payload) event.Entry {
	id := event.NewID()
	return event.Entry{Receipt: event.Receipt{ID: id}, Kind: p.Kind(), Session: "s-1",
		Event: &event.Event{ID: id, Kind: p.Kind(), Session: "s-1", Turn: "t-1", Call: "c-1", Time: time.Now(), Payload: p}}
}

// judge is a Reviewer made of a function.
type judge func(ctx context.Context, r Request) Verdict

func (judge) Identity() Identity { return Identity{"auto_review:test", event.Reviewer} }

func (j judge) Review(ctx context.Context, r Request) Verdict { return j(ctx, r) }

func allow(context.Context, Request) Verdict {
	return Gate(Assessment{Allow, RiskLow, AuthHigh, "fine"}, Limits{})
}

// serve runs Serve in a bubble with virtual time, lets play send requests, stops it and returns its error.
func serve(t *testing.T, d *desk, r Reviewer, play func(cancel func())) error {
	t.Helper()
	var err error
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, d, d.streams, r, Options{Group: "g"}) }()
		synctest.Wait()
		play(cancel)
		synctest.Wait()
		cancel()
		err = <-done
	})
	return err
}

func TestServeRecordsStartAndOneAnswer(t *testing.T) {
	d := &desk{}
	var seen Request
	err := serve(t, d, judge(func(ctx context.Context, r Request) Verdict { seen = r; return allow(ctx, r) }), func(func()) {
		e := request("a-1", time.Minute)
		d.send(e)
		synctest.Wait()
		d.send(e) // delivered again
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.group != "g" || seen.Context.Cwd != "/ws" || seen.Call != "c-1" || seen.Action.Argv[0] != "make" {
		t.Errorf("group %q, request %+v", d.group, seen)
	}
	if len(d.drafts) != 3 {
		t.Fatalf("%d events, want review_started, guardian_assessment, approval_decided", len(d.drafts))
	}
	started, assessed, decided := d.drafts[0], d.drafts[1], d.drafts[2]
	p, ok := decided.Payload.(*event.ApprovalDecidedPayload)
	if !ok || p.Status != "approved" || p.Scope != Once || p.Digest != seen.Digest || p.ReviewID != seen.ReviewID || p.FailureReason != "" {
		t.Errorf("decided %+v", p)
	}
	if decided.Cause != started.ID || started.Cause == "" || decided.Actor != event.Reviewer || decided.Turn != "t-1" || decided.Call != "c-1" {
		t.Errorf("envelopes %+v %+v", started, decided)
	}
	if g, ok := assessed.Payload.(*event.GuardianAssessmentPayload); !ok || g.Status != "approved" || g.Outcome != "allow" {
		t.Errorf("assessment %+v", assessed.Payload)
	}
}

// I2: no fault of a reviewer gives an approval, and each leaves exactly one terminal event.
func TestServeClosesOnEveryFault(t *testing.T) {
	approved := Verdict{Status: Approved}
	faults := []struct {
		name   string
		review judge
		status Status
		reason policy.Reason
	}{
		{"panic", func(context.Context, Request) Verdict { panic("boom") }, FailedClosed, policy.ReasonReviewPanicked},
		{"nil panic value", func(context.Context, Request) Verdict { panic(error(nil)) }, FailedClosed, policy.ReasonReviewPanicked},
		{"goexit", func(context.Context, Request) Verdict { runtime.Goexit(); return approved }, FailedClosed, policy.ReasonReviewPanicked},
		{"no verdict", func(context.Context, Request) Verdict { return Verdict{} }, FailedClosed, policy.ReasonInvalidVerdict},
		{"unknown status", func(context.Context, Request) Verdict { return Verdict{Status: "Approved"} }, FailedClosed, policy.ReasonInvalidVerdict},
		{"critical approval", func(context.Context, Request) Verdict { return Verdict{Status: Approved, Risk: RiskCritical} }, FailedClosed, policy.ReasonInvalidVerdict},
		{"waits for the deadline", func(ctx context.Context, _ Request) Verdict { <-ctx.Done(); return Ended(ctx, 2) }, TimedOut, policy.ReasonReviewTimedOut},
		{"approves at the deadline", func(ctx context.Context, _ Request) Verdict { <-ctx.Done(); return approved }, TimedOut, policy.ReasonReviewTimedOut},
		{"ignores its context", func(context.Context, Request) Verdict { time.Sleep(time.Hour); return approved }, TimedOut, policy.ReasonReviewTimedOut},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			d := &desk{}
			if err := serve(t, d, f.review, func(func()) {
				d.send(request("a-1", 30*time.Second))
				time.Sleep(32 * time.Second)
			}); err != nil {
				t.Fatal(err)
			}
			got := d.decided()["a-1"]
			if len(got) != 1 || got[0].Status != string(f.status) || got[0].Reason != string(f.reason) {
				t.Fatalf("terminal events %+v, want one %s %s", got, f.status, f.reason)
			}
		})
	}
}

func TestServeStoppedRecordsAborted(t *testing.T) {
	d := &desk{}
	wait := judge(func(ctx context.Context, _ Request) Verdict { <-ctx.Done(); return Verdict{Status: Approved} })
	if err := serve(t, d, wait, func(cancel func()) {
		for i := range 6 { // more than there are slots
			d.send(request(fmt.Sprint("a-", i), time.Minute))
		}
		synctest.Wait()
		cancel()
	}); err != nil {
		t.Fatal(err)
	}
	got := d.decided()
	if len(got) != 6 {
		t.Fatalf("%d of 6 reviews are recorded", len(got))
	}
	for id, terminal := range got {
		if len(terminal) != 1 || terminal[0].Status != string(Aborted) || terminal[0].FailureReason != string(Cancelled) {
			t.Errorf("%s: %+v", id, terminal)
		}
	}
}

// Requests that wait for a slot keep their own deadline.
func TestServeQueuedRequestsTimeOut(t *testing.T) {
	d := &desk{}
	wait := judge(func(ctx context.Context, _ Request) Verdict { <-ctx.Done(); return Ended(ctx, 1) })
	if err := serve(t, d, wait, func(func()) {
		for i := range 4 {
			d.send(request(fmt.Sprint("slow-", i), 20*time.Second))
		}
		synctest.Wait()
		d.send(request("late", 10*time.Second))
		time.Sleep(21 * time.Second)
	}); err != nil {
		t.Fatal(err)
	}
	if got := d.decided()["late"]; len(got) != 1 || got[0].Status != string(TimedOut) {
		t.Errorf("%+v", got)
	}
}

func TestServeRefusesWhatItCannotRead(t *testing.T) {
	change := func(f func(p *event.ApprovalRequestedPayload)) event.Entry {
		e := request("a-1", time.Minute)
		f(e.Event.Payload.(*event.ApprovalRequestedPayload))
		return e
	}
	for _, test := range []struct {
		name   string
		e      event.Entry
		reason policy.Reason // empty: no answer at all
	}{
		{"another digest", change(func(p *event.ApprovalRequestedPayload) { p.Digest[0]++ }), policy.ReasonDigestMismatch},
		{"another kind", change(func(p *event.ApprovalRequestedPayload) { p.ActionKind = "apply_patch" }), policy.ReasonDigestMismatch},
		{"no action", change(func(p *event.ApprovalRequestedPayload) { p.Action = event.Sensitive{} }), policy.ReasonRequestUnreadable},
		{"action of another version", change(func(p *event.ApprovalRequestedPayload) { p.Action = event.Secret(`{"kind":"command","new":1}`) }), policy.ReasonRequestUnreadable},
		{"two actions", change(func(p *event.ApprovalRequestedPayload) { p.Action = event.Secret(`{}{}`) }), policy.ReasonRequestUnreadable},
		{"broken context", change(func(p *event.ApprovalRequestedPayload) { p.Context = event.Secret(`{"cwd":1}`) }), policy.ReasonRequestUnreadable},
		{"no approval id", change(func(p *event.ApprovalRequestedPayload) { p.ApprovalID = "" }), ""},
		{"another kind of event", entry(&event.ReviewStartedPayload{ApprovalID: "a-1"}), ""},
		{"event of another version", event.Entry{Kind: event.ApprovalRequested}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &desk{}
			if err := serve(t, d, judge(allow), func(func()) { d.send(test.e) }); err != nil {
				t.Fatal(err)
			}
			got := d.decided()["a-1"]
			if test.reason == "" {
				if len(d.drafts) != 0 {
					t.Errorf("recorded %d events", len(d.drafts))
				}
				return
			}
			if len(got) != 1 || got[0].Status != string(FailedClosed) || got[0].Reason != string(test.reason) || got[0].FailureReason != string(PromptBuild) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestServeLeavesOtherSessionsAlone(t *testing.T) {
	d := &desk{}
	e := request("a-1", time.Minute)
	e.Event.Session = "s-2"
	if err := serve(t, d, judge(allow), func(func()) { d.send(e) }); err != nil || len(d.drafts) != 0 {
		t.Errorf("error %v, %d events", err, len(d.drafts))
	}
}

// I1: when the start cannot be recorded nothing is asked; when the answer cannot be, Serve ends with the error.
func TestServeEndsWhenTheRecordFails(t *testing.T) {
	full := errors.New("disk full")
	for _, kind := range []event.Kind{event.ReviewStarted, event.ApprovalDecided} {
		d := &desk{fail: func(k event.Kind) error {
			if k == kind {
				return full
			}
			return nil
		}}
		asked := false
		err := serve(t, d, judge(func(ctx context.Context, r Request) Verdict { asked = true; return allow(ctx, r) }), func(func()) { d.send(request("a-1", time.Minute)) })
		if !errors.Is(err, event.ErrNotRecorded) || !errors.Is(err, full) {
			t.Errorf("%s: %v", kind, err)
		}
		if asked != (kind == event.ApprovalDecided) || len(d.decided()["a-1"]) != 0 {
			t.Errorf("%s: asked %v, decided %v", kind, asked, d.decided())
		}
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	var m memory
	for i := range remembered + 1 {
		if !m.first(fmt.Sprint(i)) {
			t.Fatalf("%d was not new", i)
		}
	}
	if m.first("1") || !m.first("0") || len(m.order) != remembered || len(m.keys) != remembered {
		t.Errorf("%d keys", len(m.keys))
	}
}
