package replay

import (
	"fmt"
	"time"

	"proctor/event"
)

// peopleRow tells what people decided, and what became of it.
func peopleRow(p event.Payload) (row, bool) {
	switch p := p.(type) {
	case *event.ApprovalVotedPayload:
		why, _ := p.Rationale.Reveal()
		return row{"vote", join(" ", p.Vote, "by", p.Voter, prefixed("for ", p.Scope)), join(", ", fmt.Sprintf("%d of %d approvals", p.Approvals, p.Needed), why),
			statusTone(p.Vote)}, true
	case *event.OverrideGrantedPayload:
		why, _ := p.Rationale.Reveal()
		return row{"override", join(" ", "once by", p.By, "until", time.UnixMilli(p.Expires).UTC().Format(time.RFC3339)), join(", ", prefixed("digest ", short(p.Digest.String())), why), Plain}, true
	case *event.OverrideUsedPayload:
		return row{"override", "used up", prefixed("digest ", short(p.Digest.String())), Plain}, true
	case *event.GrantRevokedPayload:
		why, _ := p.Rationale.Reveal()
		return row{"revoked", join(" ", p.Grant, "by", p.By), join(", ", p.Rule, p.File, why), Plain}, true
	}
	return row{}, false
}
