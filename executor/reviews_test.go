package executor

import (
	"encoding/json"
	"testing"
	"time"

	"proctor/event"
)

// Wherever the process died between the question and the answer, the review ends once and its call is refused.
func TestAbandonedReviewsEndOnce(t *testing.T) {
	action := event.Action{Kind: event.ActionCommand, Tool: "exec_command", Argv: []string{"true"}}
	asked := &event.ApprovalRequestedPayload{ApprovalID: "a-1", ToolName: "exec_command", ActionKind: string(action.Kind), Digest: action.Digest(),
		Reviewer: "auto_review", Action: event.SecretJSON(action)}
	started := &event.ReviewStartedPayload{ApprovalID: "a-1", ReviewID: "r-1", Reviewer: "auto_review:guard"}
	decided := &event.ApprovalDecidedPayload{ApprovalID: "a-1", Status: event.Approved, Digest: action.Digest()}
	question := &event.ApprovalRequestedPayload{ApprovalID: "a-2", ActionKind: string(event.ActionElicitation), Reviewer: "user"}
	for _, test := range []struct {
		name   string
		events []event.Payload
		want   []event.Kind
		by     string
	}{
		{"asked", []event.Payload{asked}, []event.Kind{event.ApprovalDecided, event.ToolDecision, event.ToolResult}, "auto_review"},
		{"asked twice", []event.Payload{asked, asked}, []event.Kind{event.ApprovalDecided, event.ToolDecision, event.ToolResult}, "auto_review"},
		{"taken up", []event.Payload{asked, started}, []event.Kind{event.GuardianAssessment, event.ApprovalDecided, event.ToolDecision, event.ToolResult}, "auto_review:guard"},
		{"answered", []event.Payload{asked, started, decided}, nil, ""},
		{"answered twice", []event.Payload{asked, started, decided, decided}, nil, ""},
		{"a question in a call", []event.Payload{question}, []event.Kind{event.ApprovalDecided}, "user"},
	} {
		var st State
		for i, p := range test.events {
			st = Fold(st, &event.Event{ID: event.NewID(), Kind: p.Kind(), Session: "s", Seq: uint64(i) + 1, Turn: "t", Call: "c", Payload: p})
		}
		drafts := st.abandoned(time.Now(), 7)
		var kinds []event.Kind
		for i, d := range drafts {
			kinds = append(kinds, d.Payload.Kind())
			if d.Call != "c" || d.Turn != "t" {
				t.Errorf("%s: %+v", test.name, d)
			}
			switch p := d.Payload.(type) {
			case *event.ApprovalDecidedPayload:
				if p.Status != event.Aborted || p.Reviewer != test.by || p.FailureReason != ofProcess {
					t.Errorf("%s: %+v", test.name, p)
				}
			case *event.ToolDecisionPayload:
				if p.Outcome != "forbid" || p.Digest != action.Digest() {
					t.Errorf("%s: %+v", test.name, p)
				}
			case *event.ToolResultPayload:
				if p.ResultSeq != 7 || p.Status != Refused || d.Cause != drafts[i-1].ID {
					t.Errorf("%s: %+v", test.name, p)
				}
			}
			// Folded in, nothing is open any more.
			st = Fold(st, &event.Event{ID: d.ID, Kind: d.Payload.Kind(), Session: "s", Seq: st.Last + 1, Turn: d.Turn, Call: d.Call, Payload: d.Payload})
		}
		got, _ := json.Marshal(kinds)
		if want, _ := json.Marshal(test.want); string(got) != string(want) || len(st.abandoned(time.Now(), 8)) != 0 {
			t.Errorf("%s: %s, want %s", test.name, got, want)
		}
	}
}
