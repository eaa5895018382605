package executor

import (
	"testing"
	"time"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// A session that was killed and goes on has the approvals that were recorded before: its state is a fold over the ledger.
func TestAResumedSessionHasTheSameGrants(t *testing.T) {
	action := event.Action{Kind: event.ActionCommand, Tool: "exec_command", Argv: []string{"/bin/sh", "-c", "make install"}, Cwd: "/w", Permissions: event.RequireEscalated, Justification: "x"}
	asked := &event.ApprovalRequestedPayload{ApprovalID: "a1", ToolName: "exec_command", ActionKind: "command", Digest: action.Digest(), Action: event.SecretJSON(action), Context: event.Secret("much")}
	var st State
	for i, p := range []event.Payload{
		&event.ConversationStartsPayload{}, asked,
		&event.ApprovalDecidedPayload{ApprovalID: "a1", Reviewer: "user:ann", Status: event.Approved, Scope: event.ScopeSession, Digest: action.Digest()},
	} {
		entry, _ := event.Lookup(p.Kind())
		encoded, err := event.Encode(&event.Event{
			ID: event.NewID(), Kind: p.Kind(), Schema: entry.Schema, Session: "s-1", Seq: uint64(i) + 1, Time: time.Now().UTC().Truncate(time.Microsecond), Actor: event.Executor, Turn: "t", Payload: p,
		})
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Decode(encoded) // as it comes from the ledger
		if err != nil {
			t.Fatal(err)
		}
		st = Fold(st, e)
	}
	r := &record{failAt: -1}
	stream, err := event.NewStream("s-1", st.Last, "", "", r, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	plan := filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff}
	full := filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn}
	gate, err := approval.New(approval.Options{Stream: stream, Watcher: r, Standing: st.Standing, Authority: approval.Authority{
		Approval: policy.ApprovalPolicy{Mode: policy.OnRequest}, Sandbox: policy.ReadOnly, Plan: plan, Escalated: full,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	out, err := gate.Rule(t.Context(), approval.Request{Turn: "u", CallID: "c", Tool: "exec_command", Action: action})
	if err != nil {
		t.Fatal(err)
	}
	d := out.Decision.Payload.(*event.ToolDecisionPayload)
	if !out.Allowed || !out.Escalated || d.DecidedBy != "session" || d.Approval != "a1" || len(r.of(event.ApprovalRequested)) != 0 {
		t.Errorf("got %+v by %s, approval %q", out, d.DecidedBy, d.Approval)
	}
}
