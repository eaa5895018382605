package approval

import (
	"testing"
	"time"

	"proctor/event"
	"proctor/policy"
)

// refusedThen is a gate whose reviewer refuses with a risk, after it refused the escalation once, and the id of that request.
func refusedThen(t *testing.T, risk string) (*Gate, *reviewers, string) {
	t.Helper()
	r := &reviewers{}
	var id string
	r.answer = func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		id = p.ApprovalID
		return []*event.ApprovalDecidedPayload{{ApprovalID: p.ApprovalID, Reviewer: "auto_review:m", Status: event.Denied, Digest: p.Digest, Reason: "r", RiskLevel: risk}}
	}
	g := gate(t, r)
	if out, err := g.Rule(t.Context(), escalation()); err != nil || out.Allowed {
		t.Fatalf("got %+v, %v", out, err)
	}
	r.all.Wait()
	return g, r, id
}

func grant(g *Gate, t *testing.T, p event.OverrideGrantedPayload) {
	t.Helper()
	if _, err := g.Change(t.Context(), event.Draft{Payload: &p}); err != nil {
		t.Fatal(err)
	}
}

func TestOverride(t *testing.T) {
	digest, soon := escalation().Action.Digest(), time.Now().Add(time.Minute).UnixMilli()
	for name, c := range map[string]struct {
		risk   string
		change func(*event.OverrideGrantedPayload)
		want   bool
	}{
		"the same action":        {"high", func(*event.OverrideGrantedPayload) {}, true},
		"another digest":         {"high", func(p *event.OverrideGrantedPayload) { p.Digest[3] ^= 1 }, false},
		"another request":        {"high", func(p *event.OverrideGrantedPayload) { p.ApprovalID = "other" }, false},
		"too late":               {"high", func(p *event.OverrideGrantedPayload) { p.Expires = time.Now().Add(-time.Second).UnixMilli() }, false},
		"critical is not lifted": {"critical", func(*event.OverrideGrantedPayload) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g, r, id := refusedThen(t, c.risk)
			p := event.OverrideGrantedPayload{OverrideID: "o", ApprovalID: id, By: "user:ann", Digest: digest, Expires: soon}
			c.change(&p)
			grant(g, t, p)
			used := func() (n int) {
				for _, e := range r.events {
					if e.Kind == event.OverrideUsed {
						n++
					}
				}
				return n
			}
			for i, want := range []bool{c.want, false} { // once
				out, err := g.Rule(t.Context(), escalation())
				r.all.Wait()
				if err != nil || out.Allowed != want {
					t.Fatalf("call %d: %+v, %v", i, out, err)
				}
				d := out.Decision.Payload.(*event.ToolDecisionPayload)
				if want && (d.Source != "User" || d.Reason != string(policy.ReasonOverridden) || d.Approval != "o" || !out.Escalated) {
					t.Errorf("decision %+v", d)
				}
			}
			if (used() == 1) != c.want {
				t.Errorf("recorded %d uses", used())
			}
		})
	}
}

// What was granted for the session is asked about again after it was revoked.
func TestRevokedGrantsDoNotCount(t *testing.T) {
	r := &reviewers{}
	r.answer = func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		return []*event.ApprovalDecidedPayload{{ApprovalID: p.ApprovalID, Reviewer: "user:ann", Status: event.Approved, Scope: event.ScopeSession, Digest: p.Digest}}
	}
	g := gate(t, r)
	rule := func() string {
		out, err := g.Rule(t.Context(), escalation())
		r.all.Wait()
		if err != nil || !out.Allowed {
			t.Fatalf("got %+v, %v", out, err)
		}
		return out.Decision.Payload.(*event.ToolDecisionPayload).DecidedBy
	}
	if first, second := rule(), rule(); first != "user" || second != "session" {
		t.Fatalf("decided by %s, then %s", first, second)
	}
	for _, grant := range g.standing.Grants(time.Now()) {
		if _, err := g.Change(t.Context(), event.Draft{Payload: &event.GrantRevokedPayload{Grant: grant.ID, By: "user:bob"}}); err != nil || g.Holds(grant.ID) {
			t.Fatalf("revoke %s: %v", grant.ID, err)
		}
	}
	if again := rule(); again != "user" {
		t.Errorf("decided by %s", again)
	}
}
