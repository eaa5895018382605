package approval

import (
	"strings"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// Ruling is a decision that can be acted on.
type Ruling struct {
	// Allowed lets the action run under Plan; Escalated says that Plan is wider than the session's.
	Allowed   bool
	Escalated bool
	Plan      filesystem.Plan
	// Decision is the codex.tool_decision to record, with its ID set.
	Decision event.Draft
	// Declined: a reviewer was asked and did not approve.
	Declined bool
	// Interrupt: the circuit breaker ends the turn.
	Interrupt bool
	// Message is what the model is told when the action is refused.
	Message string
}

// Words of codex.tool_decision, as the real CLI writes them.
const (
	approved = "approved"
	denied   = "denied"
	timedOut = "timed_out"
	abort    = "abort"

	sourceConfig   = "Config"
	sourceUser     = "User"
	sourceReviewer = "AutomatedReviewer"
)

func (g *Gate) ruling(r Request, f policy.Facts, d policy.Decision, answer *event.ApprovalDecidedPayload) Ruling {
	out := Ruling{Allowed: d.Outcome == policy.Allow, Plan: g.authority.Plan, Message: d.Text}
	payload := &event.ToolDecisionPayload{
		ToolName: r.Tool, ToolNamespace: r.Namespace, CallID: r.CallID,
		Decision: denied, Source: sourceConfig, Outcome: "forbid", Reason: string(d.Reason), Rule: d.Rule,
		Digest: r.Action.Digest(), Policy: g.authority.Digest,
		Facts: event.SecretJSON(f), Action: event.SecretJSON(r.Action),
	}
	if answer != nil {
		out.Allowed = answer.Status == event.Approved && answer.Digest == payload.Digest
		out.Declined = !out.Allowed
		out.Message = refusal(answer)
		payload.Source = sourceUser
		if !byUser(answer.Reviewer) {
			payload.Source = sourceReviewer
		}
		payload.Decision = decisionWord(answer.Status)
		payload.Reason = answer.Reason
		if answer.Status == event.Approved && !out.Allowed {
			payload.Decision, payload.Reason = denied, string(policy.ReasonDigestMismatch)
		}
	}
	if out.Allowed {
		out.Message = ""
		payload.Decision, payload.Outcome = approved, "allow"
		if d.BypassSandbox {
			out.Escalated, out.Plan = true, g.authority.Escalated
		}
	}
	payload.Message = event.Secret(out.Message)
	out.Decision = event.Draft{
		ID: event.NewID(), Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Actor: event.Policy, Payload: payload,
	}
	return out
}

// byUser reports whether a person answered: "user", or "user:NAME".
func byUser(reviewer string) bool {
	return reviewer == string(policy.ReviewerUser) || strings.HasPrefix(reviewer, string(policy.ReviewerUser)+":")
}

// bounded cuts the name of a rule: it stays in the clear.
func bounded(rule string) string {
	const limit = 2048
	if len(rule) <= limit {
		return rule
	}
	return strings.ToValidUTF8(rule[:limit], "") + "…"
}

func decisionWord(status string) string {
	switch status {
	case event.Approved:
		return approved
	case event.TimedOut:
		return timedOut
	case event.Aborted:
		return abort
	}
	return denied
}
