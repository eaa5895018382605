package approval

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// widen makes plans with one writable root for each path, and gives nothing below /managed.
func widen(p event.Permissions) (filesystem.Plan, error) {
	plan := inside
	for _, at := range slices.Concat(p.Read, p.Write) {
		if filesystem.Within(at, "/managed") {
			return filesystem.Plan{}, errors.New("/managed may not be granted")
		}
	}
	for _, at := range p.Write {
		plan.Writable = append(slices.Clone(plan.Writable), filesystem.Root{Path: at, Kind: filesystem.Dir})
	}
	if p.Network {
		plan.Network = filesystem.NetworkOn
	}
	return plan, nil
}

func wants(turn string, p event.Permissions) Request {
	return Request{Turn: turn, CallID: "c", Tool: "request_permissions", Action: event.Action{Kind: event.ActionPermissions, Tool: "request_permissions", Additional: &p}}
}

func with(turn string, p *event.Permissions) Request {
	r := Request{Turn: turn, CallID: "c", Tool: "exec_command", Action: shell("make")}
	if p != nil {
		r.Action.Permissions, r.Action.Additional = event.WithAdditional, p
	}
	return r
}

func answering(scope string, answer string) func(*event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
	return func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		out := says(answer)(p)
		out[0].Scope, out[0].Reviewer = scope, "user:ann"
		return out
	}
}

func TestPermissionsHoldForTheTurnOrTheSession(t *testing.T) {
	for scope, later := range map[string]bool{event.ScopeOnce: false, event.ScopeSession: true} {
		r := &reviewers{answer: answering(scope, event.Approved)}
		g := gate(t, r)
		g.opts.Widen = widen
		out, err := g.Rule(t.Context(), wants("t1", event.Permissions{Write: []string{"/x"}}))
		if err != nil || !out.Allowed || out.Scope != scope {
			t.Fatalf("%s: got %+v %v", scope, out, err)
		}
		r.all.Wait()
		asked := len(r.decidedIDs())
		for turn, want := range map[string]bool{"t1": true, "t2": later} {
			out, err := g.Rule(t.Context(), with(turn, nil))
			if err != nil || !out.Allowed || out.Escalated || out.Plan.CheckWrite("/x/f").Allowed != want || out.Plan.Network != filesystem.NetworkOff {
				t.Errorf("%s, %s: got %+v %v", scope, turn, out, err)
			}
		}
		// a command that asks for what is held is not asked about; one that asks for more is
		if out, err := g.Rule(t.Context(), with("t1", &event.Permissions{Write: []string{"/x/sub"}})); err != nil || !out.Allowed || len(r.decidedIDs()) != asked {
			t.Errorf("%s: what is held was asked about: %+v %v", scope, out, err)
		}
		if _, err := g.Rule(t.Context(), with("t1", &event.Permissions{Write: []string{"/x2"}})); err != nil || len(r.decidedIDs()) != asked+1 {
			t.Errorf("%s: what is not held was not asked about: %v", scope, err)
		}
		r.all.Wait()
	}
}

func TestACommandGetsWhatWasApprovedForItAlone(t *testing.T) {
	r := &reviewers{answer: answering(event.ScopeOnce, event.Approved)}
	g := gate(t, r)
	g.opts.Widen = widen
	out, err := g.Rule(t.Context(), with("t", &event.Permissions{Network: true, Write: []string{"/x"}}))
	r.all.Wait()
	if err != nil || !out.Allowed || out.Escalated || out.Plan.Unconfined || !out.Plan.CheckWrite("/x/f").Allowed || out.Plan.Network != filesystem.NetworkOn || out.Permissions.IsZero() {
		t.Errorf("got %+v %v", out, err)
	}
	next, err := g.Rule(t.Context(), with("t", nil))
	if err != nil || next.Plan.CheckWrite("/x/f").Allowed || next.Plan.Network != filesystem.NetworkOff {
		t.Errorf("the next command has it too: %+v %v", next, err)
	}
}

func TestRefusedPermissionsGiveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		r      Request
		answer string
		how    policy.ApprovalPolicy
		reason policy.Reason
		asked  int
	}{
		"denied":                  {wants("t", event.Permissions{Write: []string{"/x"}}), event.Denied, policy.ApprovalPolicy{Mode: policy.OnRequest}, "r", 1},
		"managed":                 {wants("t", event.Permissions{Write: []string{"/x", "/managed/a"}}), event.Approved, policy.ApprovalPolicy{Mode: policy.OnRequest}, policy.ReasonPermissionManaged, 0},
		"managed, for a command":  {with("t", &event.Permissions{Read: []string{"/managed"}}), event.Approved, policy.ApprovalPolicy{Mode: policy.OnRequest}, policy.ReasonPermissionManaged, 0},
		"never":                   {wants("t", event.Permissions{Network: true}), event.Approved, policy.ApprovalPolicy{Mode: policy.Never}, policy.ReasonNeverAsk, 0},
		"never, for a command":    {with("t", &event.Permissions{Network: true}), event.Approved, policy.ApprovalPolicy{Mode: policy.Never}, policy.ReasonPermissionRefused, 0},
		"category off":            {wants("t", event.Permissions{Network: true}), event.Approved, policy.ApprovalPolicy{Mode: policy.Granular, Categories: policy.Categories{SandboxApproval: true}}, policy.ReasonCategoryOff, 0},
		"category off, a command": {with("t", &event.Permissions{Network: true}), event.Approved, policy.ApprovalPolicy{Mode: policy.Granular, Categories: policy.Categories{SandboxApproval: true}}, policy.ReasonPermissionRefused, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := &reviewers{answer: answering(event.ScopeSession, c.answer)}
			g := gate(t, r)
			g.opts.Widen, g.opts.Authority.Approval = widen, c.how
			out, err := g.Rule(t.Context(), c.r)
			r.all.Wait()
			d := out.Decision.Payload.(*event.ToolDecisionPayload)
			if err != nil || out.Allowed || d.Reason != string(c.reason) || len(r.decidedIDs()) != c.asked {
				t.Errorf("got %+v %v, asked %d", d, err, len(r.decidedIDs()))
			}
			if c.r.Action.Kind == event.ActionPermissions && !strings.HasPrefix(out.Message, `{"permissions":{"network":null,"file_system":null},"scope":"turn"`) {
				t.Errorf("told %q", out.Message)
			}
			if next, _ := g.Rule(t.Context(), with("t", nil)); next.Plan.CheckWrite("/x/f").Allowed || next.Plan.Network != filesystem.NetworkOff {
				t.Error("it was given all the same")
			}
		})
	}
}

// Under stricter requirements a resumed session loses what it may no longer hold, and keeps the rest.
func TestResumedGrantsAreNarrowedAgain(t *testing.T) {
	g := gate(t, &reviewers{})
	g.opts.Widen = widen
	for _, p := range []event.Permissions{{Write: []string{"/x"}}, {Write: []string{"/managed/a"}}, {Network: true}} {
		for _, e := range answered("old", wants("old", p).Action, event.ScopeSession, nil) {
			g.standing.Add(e)
		}
	}
	out, err := g.Rule(t.Context(), with("new", nil))
	if err != nil || !out.Plan.CheckWrite("/x/f").Allowed || out.Plan.Network != filesystem.NetworkOn || out.Plan.CheckWrite("/managed/a/f").Allowed {
		t.Errorf("got %+v %v", out.Plan, err)
	}
}

// Whatever was asked and answered, in whatever order: a command's plan gives no path that was not approved, and never a managed one.
func TestNoGrantExceedsWhatWasApproved(t *testing.T) {
	paths := []string{"/a", "/b", "/a/b", "/managed/x", "/managed"}
	some := rapid.SliceOfN(rapid.SampledFrom(paths), 0, 3)
	rapid.Check(t, func(rt *rapid.T) {
		var g Standing
		approvedPaths := map[string]bool{}
		for range rapid.IntRange(0, 4).Draw(rt, "requests") {
			p := event.Permissions{Write: merged(some.Draw(rt, "write"), nil)}
			ok, turn := rapid.Bool().Draw(rt, "approved"), rapid.SampledFrom([]string{"t", "u"}).Draw(rt, "turn")
			scope := rapid.SampledFrom([]string{event.ScopeOnce, event.ScopeSession}).Draw(rt, "scope")
			for _, e := range answered(turn, wants(turn, p).Action, scope, func(_ *event.ApprovalRequestedPayload, d *event.ApprovalDecidedPayload) {
				if !ok {
					d.Status = event.Denied
				}
			}) {
				g.Add(e)
			}
			if ok && (turn == "t" || scope == event.ScopeSession) {
				for _, at := range p.Write {
					approvedPaths[at] = true
				}
			}
		}
		gate := &Gate{opts: Options{Widen: widen, Authority: Authority{Plan: inside}}, standing: g}
		plan, _ := gate.effective("t")
		for _, at := range paths {
			given := plan.CheckWrite(at).Allowed
			var may bool
			for from := range approvedPaths {
				may = may || filesystem.Within(at, from)
			}
			if given && (!may || filesystem.Within(at, "/managed")) {
				rt.Fatalf("%s is writable", at)
			}
		}
	})
}
