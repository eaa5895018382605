package approval

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/execrules"
)

func rules(t *testing.T, text string) *execrules.Rules {
	t.Helper()
	r, err := execrules.Parse([]execrules.File{{Name: "t.rules", Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhichRuleIsOffered(t *testing.T) {
	for _, c := range []struct {
		name, script, rules string
		prefix              []string
		escalated           bool
		want                []string
	}{
		{"the part that prompted", "ls && touch x y", "", nil, false, []string{"touch", "x", "y"}},
		{"the model's prefix", "touch x y", "", []string{"touch"}, false, []string{"touch"}},
		{"not when it leaves a part out", "touch x && mkdir y", "", []string{"touch"}, false, []string{"touch", "x"}},
		{"the model's prefix does not count when a rule matched", "touch x && make x", `prefix_rule(["make"], "allow")`, []string{"touch"}, false, []string{"touch", "x"}},
		{"a matched part is passed over", "make && touch x", `prefix_rule(["make"], "allow")`, []string{"touch"}, false, []string{"touch", "x"}},
		{"a banned prefix is not taken", "git push origin", "", []string{"git"}, false, []string{"git", "push", "origin"}},
		{"a banned command is not offered", "python3 -", "", nil, false, nil},
		{"a script as a whole", "touch x > y", "", nil, false, []string{"/bin/bash", "-lc", "touch x > y"}},
		{"dangerous", "rm -rf x", "", nil, false, nil},
		{"dangerous beside another", "touch x && rm -rf y", "", []string{"touch"}, false, nil},
		{"rule prompt", "touch x", `prefix_rule(["touch"], "prompt")`, nil, false, nil},
		{"rule prompt of another part", "touch x && make", `prefix_rule(["make"], "prompt")`, nil, false, nil},
		{"escalated", "touch x", "", nil, true, []string{"touch", "x"}},
	} {
		a := Authority{Approval: policy.ApprovalPolicy{Mode: policy.Untrusted}, Sandbox: policy.WorkspaceWrite, Rules: rules(t, c.rules)}
		action := shell(c.script)
		if c.escalated {
			action.Permissions, action.Justification = event.RequireEscalated, "x"
		}
		f := Facts(a, Request{Action: action})
		got, ok := Propose(f, policy.Decide(f), c.prefix)
		if ok != (c.want != nil) || !slices.Equal(got.Prefix, c.want) {
			t.Errorf("%s: offered %q, want %q", c.name, got.Prefix, c.want)
		}
	}
}

func TestAnApprovedRuleDecidesAtOnce(t *testing.T) {
	r := &reviewers{answer: func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		out := says(event.Approved)(p)
		out[0].Scope, out[0].Reviewer = event.ScopeAmendment, "user:ann"
		return out
	}}
	g := gate(t, r)
	announced := -1
	g.opts.Amend = func(_ context.Context, a event.Amendment) (*execrules.Rules, string, error) {
		announced = len(r.amended()) // I1: recorded before anything changes
		return rules(t, `prefix_rule(["make"], "allow")`), "policy 2", nil
	}
	request := escalation()
	request.Prefix = []string{"make"}
	out, err := g.Rule(t.Context(), request)
	if err != nil || !out.Allowed {
		t.Fatalf("got %+v %v", out, err)
	}
	r.all.Wait()
	if d := out.Decision.Payload.(*event.ToolDecisionPayload); d.Decision != "approved_execpolicy_amendment" || d.Policy != "policy" {
		t.Errorf("decision %+v", d)
	}
	told := r.amended()
	if announced != 1 || len(told) != 2 || told[0].Status != event.AmendmentAnnounced || told[0].Rule != `prefix_rule(pattern=["make"], decision="allow")` ||
		told[1].Status != event.AmendmentInForce || told[1].Policy != "policy 2" || told[0].Policy != "policy" {
		t.Errorf("announced after %d events, recorded %+v", announced, told)
	}
	asked := len(r.decidedIDs())
	other := escalation()
	other.Action.Argv[2] = "make clean"
	again, err := g.Rule(t.Context(), other)
	d := again.Decision.Payload.(*event.ToolDecisionPayload)
	if err != nil || !again.Allowed || len(r.decidedIDs()) != asked || d.DecidedBy != "rule" || d.Policy != "policy 2" {
		t.Errorf("the rule does not decide: %+v %v", d, err)
	}
}

func TestARuleThatCannotBeWrittenIsRecorded(t *testing.T) {
	r := &reviewers{answer: func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		out := says(event.Approved)(p)
		out[0].Scope = event.ScopeAmendment
		return out
	}}
	g := gate(t, r)
	g.opts.Amend = func(context.Context, event.Amendment) (*execrules.Rules, string, error) {
		return nil, "", errors.New("disk full")
	}
	out, err := g.Rule(t.Context(), escalation())
	r.all.Wait()
	told := r.amended()
	if err != nil || !out.Allowed || len(told) != 2 || told[1].Status != event.AmendmentFailed || told[1].Error != "disk full" || g.Authority().Digest != "policy" {
		t.Errorf("got %v, recorded %+v", err, told)
	}
}

// An answer of scope amendment to a request that offered none approves the call and adds nothing.
func TestARuleThatWasNotOfferedIsNotAdded(t *testing.T) {
	r := &reviewers{answer: func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		if !p.Amendment.IsZero() || !p.OneShot {
			t.Errorf("a rule was offered for a dangerous command")
		}
		out := says(event.Approved)(p)
		out[0].Scope = event.ScopeAmendment
		return out
	}}
	g := gate(t, r)
	g.opts.Amend = func(context.Context, event.Amendment) (*execrules.Rules, string, error) {
		t.Error("a rule was added")
		return nil, "", nil
	}
	request := escalation()
	request.Action.Argv[2] = "rm -rf build"
	if _, err := g.Rule(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	r.all.Wait()
}

func (r *reviewers) amended() (out []*event.PolicyAmendedPayload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if p, ok := e.Payload.(*event.PolicyAmendedPayload); ok {
			out = append(out, p)
		}
	}
	return out
}

func TestQuestionsOfServersAreRecordedAndNeverAnsweredBySilence(t *testing.T) {
	question := event.Action{Kind: event.ActionElicitation, Tool: "elicitation", Server: "demo", Arguments: `{"message":"delete?"}`}
	for _, c := range []struct {
		name   string
		how    policy.ApprovalPolicy
		answer string
		want   bool
		by     string
	}{
		{"approved", policy.ApprovalPolicy{Mode: policy.OnRequest}, event.Approved, true, "auto_review:m"},
		{"denied", policy.ApprovalPolicy{Mode: policy.OnRequest}, event.Denied, false, "auto_review:m"},
		{"never", policy.ApprovalPolicy{Mode: policy.Never}, event.Approved, false, "policy"},
		{"category off", policy.ApprovalPolicy{Mode: policy.Granular, Categories: policy.Categories{SandboxApproval: true}}, event.Approved, false, "policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &reviewers{answer: func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
				if p.Reviewer == event.ReviewerPolicy {
					return nil
				}
				return says(c.answer)(p)
			}}
			g := gate(t, r)
			g.opts.Authority.Approval = c.how
			got, err := g.Elicit(t.Context(), "c", question)
			r.all.Wait()
			if err != nil || got != c.want {
				t.Fatalf("got %v %v", got, err)
			}
			q := r.events[0].Payload.(*event.ApprovalRequestedPayload)
			if !q.OneShot || q.ActionKind != "mcp_elicitation" || q.Digest != question.Digest() {
				t.Errorf("request %+v", q)
			}
			if c.by == "policy" {
				if d := r.decided(); len(d) != 1 || d[0].Status != event.Denied || d[0].Reviewer != "policy" || !strings.Contains(d[0].Reason, "_") {
					t.Errorf("recorded %+v", d)
				}
			}
		})
	}
}
