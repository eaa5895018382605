package replay

import (
	"testing"

	"proctor/event"
)

func TestConversationText(t *testing.T) {
	for want, p := range map[string]*event.GuardianAssessmentPayload{
		"":              {SessionKind: "trunk_new"},
		"looked 1 time": {SessionKind: "trunk_new", Inspections: 1},
		"in the conversation of earlier reviews, looked 2 times, asked again 1 time, cost 0.0015": {SessionKind: "trunk_reused", Inspections: 2,
			Retries: []event.ReviewRetry{{Failure: "parse_error"}}, Cost: 1500},
	} {
		if got := conversationText(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
