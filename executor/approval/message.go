package approval

import (
	"strings"

	"proctor/event"
	"proctor/policy"
)

// refusal is what the model is told about a review that did not approve its action, and what it
// may do next (codex-auto-review.md section 5).
func refusal(p *event.ApprovalDecidedPayload) string {
	rationale, _ := p.Rationale.Reveal()
	switch p.Status {
	case event.Approved:
		return "The approval was given for another action than the one proposed, so nothing was run. Propose the action again."
	case event.Denied:
		return denial(p, strings.TrimSpace(rationale))
	case event.TimedOut:
		return "No decision: the review of this action did not finish before its deadline, so the action was not run. " +
			"That says nothing about whether the action is safe. You may ask for it once more, or ask the user."
	case event.Aborted:
		return "No decision: the review of this action was stopped because the turn was cancelled. The action was not run."
	}
	return "No decision: the review of this action could not be completed, so the action was not run. " +
		"This is not a judgement of the action. Do not look for a way around the review; " +
		"continue with work that needs no approval, or tell the user what is blocked."
}

func denial(p *event.ApprovalDecidedPayload, rationale string) string {
	if byUser(p.Reviewer) {
		text := "The user refused this action; it was not run."
		if rationale != "" {
			text += " They said: " + rationale
			if !strings.ContainsAny(rationale[len(rationale)-1:], ".!?") {
				text += "."
			}
		}
		return text + " Do not try to reach the same effect another way. Ask the user how to go on."
	}
	var b strings.Builder
	b.WriteString("The reviewer refused this action because its risk is not acceptable; it was not run.")
	if why := gateText[policy.Reason(p.Reason)]; why != "" {
		b.WriteString(" " + why)
	}
	if rationale != "" {
		b.WriteString(" Rationale: " + rationale)
	}
	b.WriteString(" Do not work around this and do not reach the same effect indirectly, through another command, a script or a tool. " +
		"Go on only in a way that is materially safer, or after the user, told of this risk, explicitly approves the action. Otherwise stop and ask the user.")
	return b.String()
}

// gateText explains a refusal by the host to the model.
var gateText = map[policy.Reason]string{
	policy.ReasonRiskCritical:  "Actions of critical risk are never approved automatically.",
	policy.ReasonRiskLimit:     "Its risk is above the limit set for this environment.",
	policy.ReasonNotAuthorized: "An action of high risk needs a clear authorization by the user, and none was found.",
}
