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
	return &event.GuardianAssessmentPayload{
		ReviewID: r.ReviewID, TurnID: r.Turn, ItemID: r.Call, Status: string(status),
		Outcome: string(v.Outcome), RiskLevel: string(v.Risk), UserAuthorization: string(v.Authorization),
		StartedAt: start.UnixMilli(), CompletedAt: end.UnixMilli(),
		Rationale: event.Secret(rationale), RationaleLength: len(v.Rationale), RationaleTruncated: len(rationale) < len(v.Rationale),
	}
}
