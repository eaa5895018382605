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
	// Permissions are what Plan gives on top of the session's plan.
	Permissions event.Permissions
	// Scope is that of the approval: event.ScopeOnce, or event.ScopeSession.
	Scope string
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
	approved           = "approved"
	approvedForSession = "approved_for_session"
	approvedAmendment  = "approved_execpolicy_amendment"
	denied             = "denied"
	timedOut           = "timed_out"
	abort              = "abort"

	sourceConfig   = "Config"
	sourceUser     = "User"
	sourceReviewer = "AutomatedReviewer"
)

func (g *Gate) ruling(r Request, c considered) Ruling {
	d := c.decision
	out := Ruling{Allowed: d.Outcome == policy.Allow, Plan: c.plan, Permissions: c.held, Message: d.Text, Scope: event.ScopeOnce}
	payload := &event.ToolDecisionPayload{
		ToolName: r.Tool, ToolNamespace: r.Namespace, CallID: r.CallID,
		Decision: denied, Source: sourceConfig, Outcome: "forbid", Reason: string(d.Reason), Rule: d.Rule, DecidedBy: string(d.Source),
		Digest: r.Action.Digest(), Policy: c.authority.Digest,
		Facts: event.SecretJSON(c.facts), Action: event.SecretJSON(r.Action),
	}
	word := approved
	switch {
	case c.answer != nil:
		word = out.answered(payload, c.answer)
	case d.Source == policy.SourceSession:
		word = approvedForSession
		payload.Approval, payload.Source = c.earlier.approval, sourceOf(c.earlier.reviewer)
	case d.Reason == policy.ReasonOverridden:
		payload.Approval, payload.Source = c.earlier.approval, sourceUser
	}
	if out.Allowed && !g.widen(&out, r, c) {
		payload.Decision, payload.Reason, payload.DecidedBy = denied, string(policy.ReasonPermissionManaged), string(policy.SourceManaged)
	}
	if out.Allowed {
		out.Message = ""
		payload.Decision, payload.Outcome = word, "allow"
		if d.BypassSandbox {
			out.Escalated, out.Plan, out.Permissions = true, c.authority.Escalated, event.Permissions{}
		}
	}
	if !out.Allowed && r.Action.Kind == event.ActionPermissions {
		out.Message = event.GrantAnswer(nil, "turn", out.Message)
	}
	payload.Message = event.Secret(out.Message)
	out.Decision = event.Draft{
		ID: event.NewID(), Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Actor: event.Policy, Payload: payload,
	}
	return out
}

// answered fills in what a reviewer said, and returns the word for an approval of that kind.
func (out *Ruling) answered(payload *event.ToolDecisionPayload, answer *event.ApprovalDecidedPayload) string {
	out.Allowed = answer.Status == event.Approved && answer.Digest == payload.Digest
	out.Declined = !out.Allowed
	out.Message = refusal(answer)
	payload.Approval, payload.Source, payload.DecidedBy = answer.ApprovalID, sourceOf(answer.Reviewer), string(policy.SourceAutoReview)
	if byUser(answer.Reviewer) {
		payload.DecidedBy = string(policy.SourceUser)
	}
	payload.Decision, payload.Reason = decisionWord(answer.Status), answer.Reason
	if answer.Status == event.Approved && !out.Allowed {
		payload.Decision, payload.Reason = denied, string(policy.ReasonDigestMismatch)
	}
	switch answer.Scope {
	case event.ScopeSession:
		out.Scope = event.ScopeSession
		return approvedForSession
	case event.ScopeAmendment:
		return approvedAmendment
	}
	return approved
}

// widen adds the permissions that a command asked for to those held in the turn, and reports whether that went well.
func (g *Gate) widen(out *Ruling, r Request, c considered) bool {
	a := r.Action
	if a.Kind != event.ActionCommand || a.Additional == nil || c.decision.BypassSandbox || c.plan.Unconfined {
		return true
	}
	sum := union(c.held, *a.Additional)
	plan, err := g.opts.Widen(sum)
	if err != nil { // what it found when the facts were gathered has changed since
		out.Allowed, out.Message = false, "the permissions that were asked for cannot be given any more: "+err.Error()
		return false
	}
	if r.Narrow != nil {
		plan = r.Narrow(plan)
	}
	out.Plan, out.Permissions = plan, sum
	return true
}

func sourceOf(reviewer string) string {
	if byUser(reviewer) {
		return sourceUser
	}
	return sourceReviewer
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
