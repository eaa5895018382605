package approval

import (
	"strings"
	"testing"

	"proctor/event"
	"proctor/policy"
)

func TestMessagesSayWhatTheModelMayDo(t *testing.T) {
	p := func(status, reviewer, reason string) *event.ApprovalDecidedPayload {
		return &event.ApprovalDecidedPayload{Status: status, Reviewer: reviewer, Reason: reason, Rationale: event.Secret("Y-WHY")}
	}
	for _, test := range []struct {
		p        *event.ApprovalDecidedPayload
		has, not []string
	}{
		{p(event.Denied, "auto_review:m", "reviewer_denied"), []string{"refused", "Y-WHY", "work around", "materially safer", "approves"}, []string{"never approved"}},
		{p(event.Denied, "auto_review:m", string(policy.ReasonRiskCritical)), []string{"never approved automatically", "Y-WHY"}, nil},
		{p(event.Denied, "user:ann", "user_denied"), []string{"The user refused", "Y-WHY"}, []string{"reviewer"}},
		{p(event.TimedOut, "auto_review:m", ""), []string{"deadline", "once more"}, []string{"Y-WHY", "refused"}},
		{p(event.FailedClosed, "auto_review:m", ""), []string{"could not be completed", "not a judgement"}, []string{"Y-WHY", "refused"}},
		{p(event.Aborted, "auto_review:m", ""), []string{"cancelled"}, []string{"Y-WHY"}},
		{p("something new", "auto_review:m", ""), []string{"not run"}, nil},
	} {
		got := refusal(test.p)
		for _, text := range test.has {
			if !strings.Contains(got, text) {
				t.Errorf("%s: %q lacks %q", test.p.Status, got, text)
			}
		}
		for _, text := range test.not {
			if strings.Contains(got, text) {
				t.Errorf("%s: %q has %q", test.p.Status, got, text)
			}
		}
	}
}
