package replay

import (
	"fmt"

	"proctor/event"
)

// conversationText is what there was to an automatic review beside one question in a new conversation, and its verdict.
func conversationText(p *event.GuardianAssessmentPayload) string {
	text := map[string]string{"trunk_reused": "in the conversation of earlier reviews", "ephemeral_forked": "beside a review under way"}[p.SessionKind]
	if p.Inspections > 0 {
		text = join(", ", text, "looked "+count(int64(p.Inspections), "time"))
	}
	if n := len(p.Retries); n > 0 {
		text = join(", ", text, "asked again "+count(int64(n), "time"))
	}
	if p.Cost > 0 {
		text = join(", ", text, fmt.Sprintf("cost %.4f", float64(p.Cost)/1e6))
	}
	return text
}
