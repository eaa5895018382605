package replay

import (
	"testing"

	"proctor/event"
)

func TestPhasesAndAmendmentsAreTold(t *testing.T) {
	for _, c := range []struct {
		payload event.Payload
		want    string
		tone    Tone
	}{
		{&event.PhaseStartedPayload{Phase: "setup", Network: "on", Secrets: []string{"A", "B"}, Commands: 2, Source: "/h/proctor.toml:2", Digest: "4f2a9c0011223344", Plan: event.Secret("{}")},
			"setup begins  → network on, secrets A B, 2 commands, from /h/proctor.toml:2, policy 4f2a9c001122", Plain},
		{&event.PhaseStartedPayload{Phase: "agent", Network: "off"}, "agent begins  → network off", Plain},
		{&event.PhaseEndedPayload{Phase: "setup", Status: "completed", Duration: 1666, Scanned: 29, Whole: true}, "setup ends  → completed, 1.7 s, 29 files searched for secrets", Good},
		{&event.PhaseEndedPayload{Phase: "setup", Status: "failed", Reason: "exit_1", Scanned: 1}, "setup ends  → failed, 0 ms, exit_1, 1 file searched for secrets, not all", Bad},
		{&event.PhaseEndedPayload{Phase: "setup", Status: "cached"}, "setup ends  → cached, 0 ms", Good},
		{&event.SecretLeftBehindPayload{Secret: "A", Path: "/w/x", Place: "content", Action: "fail"}, "A is in the content of /w/x  → action fail", Bad},
		{&event.PolicyAmendedPayload{Status: event.AmendmentInForce, Rule: `prefix_rule(pattern=["make"])`, Policy: "4f2a9c0011223344"}, `in force, prefix_rule(pattern=["make"]), policy 4f2a9c001122`, Plain},
		{&event.PolicyAmendedPayload{Status: event.AmendmentFailed, Rule: "r", Error: "disk full"}, "failed, r  → disk full", Bad},
		{&event.ApprovalVotedPayload{Vote: event.Approved, Voter: "user:ann", Scope: event.ScopeOnce, Approvals: 1, Needed: 2}, "approved by user:ann for once  → 1 of 2 approvals", Good},
		{&event.ApprovalVotedPayload{Vote: event.Denied, Voter: "user:ann", Needed: 1, Rationale: event.Secret("no")}, "denied by user:ann  → 0 of 1 approvals, no", Bad},
		{&event.OverrideGrantedPayload{By: "user:ann", Expires: 1000}, "once by user:ann until 1970-01-01T00:00:01Z  → digest 000000000000", Plain},
		{&event.OverrideUsedPayload{}, "used up  → digest 000000000000", Plain},
		{&event.GrantRevokedPayload{Grant: "g", By: "user:bob", Rule: "r", File: "/f"}, "g by user:bob  → r, /f", Plain},
	} {
		got, tone := Line(event.Entry{Event: &event.Event{Payload: c.payload}})
		if got != c.want || tone != c.tone {
			t.Errorf("%T: got %q tone %v, want %q tone %v", c.payload, got, tone, c.want, c.tone)
		}
		item := Item{}
		if !describeSingle(&item, event.Entry{Event: &event.Event{Payload: c.payload}}) || join("  → ", item.Text, item.Result) != c.want {
			t.Errorf("%T alone: %q, %q", c.payload, item.Text, item.Result)
		}
		in := call{}
		in.add(event.Entry{Event: &event.Event{Payload: c.payload}})
		if len(in.details) != 1 || in.details[0].Text != c.want {
			t.Errorf("%T in a call: %+v", c.payload, in.details)
		}
	}
}
