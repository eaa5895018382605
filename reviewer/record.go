package reviewer

import (
	"time"

	"proctor/event"
)

// decided is the final answer as an event.
func (v Verdict) decided(r Request, name string, took time.Duration) *event.ApprovalDecidedPayload {
	p := &event.ApprovalDecidedPayload{
		ApprovalID: r.ID, ReviewID: r.ReviewID, Reviewer: name,
		Status: string(v.Status), Digest: r.Digest, Reason: string(v.Reason),
		RiskLevel: string(v.Risk), Authorization: string(v.Authorization),
		Attempts: v.Attempts, Duration: took.Milliseconds(),
		Voters: v.Voters, Rationale: event.Secret(clip(v.Rationale, maxRationale)),
	}
	if v.By != "" {
		p.Reviewer = v.By
	}
	if v.Failure != NoFailure {
		p.FailureReason = string(v.Failure)
	}
	if v.Status == Approved {
		p.Scope = v.Scope
		if p.Scope == "" {
			p.Scope = Once
		}
	}
	return p
}

// assessment is the same for Codex's telemetry, which knows no failed_closed: it says denied,
// and leaves out what was not judged.
func (v Verdict) assessment(r Request, start, end time.Time) *event.GuardianAssessmentPayload {
	status := v.Status
	if status == FailedClosed {
		status = Denied
	}
	rationale := clip(v.Rationale, maxRationale)
	t := v.Trace
	p := &event.GuardianAssessmentPayload{
		ReviewID: r.ReviewID, TurnID: r.Turn, ItemID: r.Call, Status: string(status),
		Outcome: string(v.Outcome), RiskLevel: string(v.Risk), UserAuthorization: string(v.Authorization),
		StartedAt: start.UnixMilli(), CompletedAt: end.UnixMilli(),
		Rationale: event.Secret(rationale), RationaleLength: len(v.Rationale), RationaleTruncated: len(rationale) < len(v.Rationale),
		Terminal: string(v.Status), Failure: string(v.Failure), Action: actionTag(r.Action), Model: t.Model, Effort: t.Effort,
		SessionKind: t.Conversation, Prior: t.Prior, Attempts: v.Attempts, Inspections: t.Inspections,
		TTFT: t.FirstOutput.Milliseconds(), Usage: t.Usage, Cost: t.Cost, Sections: t.Sections, RequestTokens: t.RequestTokens,
	}
	if p.SessionKind == "" {
		p.SessionKind = "none"
	}
	for _, again := range t.Retries {
		p.Retries = append(p.Retries, event.ReviewRetry{Failure: string(again.Failure), Wait: again.Wait.Milliseconds()})
	}
	return p
}

// actionTag is how the metrics of Codex name what was reviewed.
func actionTag(a event.Action) string {
	if a.Kind == event.ActionCommand {
		if a.Tool == "exec_command" {
			return "unified_exec"
		}
		return "shell"
	}
	return string(a.Kind)
}
