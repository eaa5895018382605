package executor

import (
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/policy"
)

// openReview is an approval that was asked for and has no answer.
type openReview struct {
	turn, call string
	asked      event.ID
	request    event.ApprovalRequestedPayload
	// id, reviewer and began are set once somebody took it up.
	id, reviewer string
	began        time.Time
}

// review folds the events of approvals.
func (st *State) review(e *event.Event) {
	at := func(approval string) int {
		return slices.IndexFunc(st.reviews, func(r openReview) bool { return r.request.ApprovalID == approval })
	}
	switch p := e.Payload.(type) {
	case *event.ApprovalRequestedPayload:
		if at(p.ApprovalID) < 0 {
			r := openReview{turn: e.Turn, call: e.Call, asked: e.ID, request: *p}
			r.request.Context = event.Sensitive{}
			st.reviews = append(st.reviews, r)
		}
	case *event.ReviewStartedPayload:
		if i := at(p.ApprovalID); i >= 0 {
			st.reviews[i].id, st.reviews[i].reviewer, st.reviews[i].began = p.ReviewID, p.Reviewer, e.Time
		}
	case *event.ApprovalDecidedPayload:
		if i := at(p.ApprovalID); i >= 0 {
			st.reviews = slices.Delete(st.reviews, i, i+1)
		}
	case *event.PolicyLoadedPayload:
		st.policy = p.Digest
	}
}

// ofProcess is why a review ended that died with the process that waited for it.
const ofProcess = "process_ended"

// abandoned are the events that end the open reviews of a session whose process is gone: no answer means no, so each is aborted
// and its call refused. Result is the number of the next tool result.
func (st *State) abandoned(now time.Time, result int64) (drafts []event.Draft) {
	for _, r := range st.reviews {
		add := func(p event.Payload) event.ID {
			id := event.NewID()
			drafts = append(drafts, event.Draft{ID: id, Turn: r.turn, Call: r.call, Cause: r.asked, Actor: event.System, Payload: p})
			return id
		}
		by := r.reviewer
		if by == "" {
			by = r.request.Reviewer
		}
		if strings.HasPrefix(r.reviewer, string(policy.SourceAutoReview)+":") {
			add(&event.GuardianAssessmentPayload{
				ReviewID: r.id, TurnID: r.turn, ItemID: r.call, Status: event.Aborted, StartedAt: r.began.UnixMilli(), CompletedAt: now.UnixMilli(),
				Terminal: event.Aborted, Failure: "cancelled", Action: r.request.ActionKind, SessionKind: "none",
				Model: strings.TrimPrefix(r.reviewer, string(policy.SourceAutoReview)+":"),
			})
		}
		add(&event.ApprovalDecidedPayload{
			ApprovalID: r.request.ApprovalID, ReviewID: r.id, Reviewer: by, Status: event.Aborted, Digest: r.request.Digest,
			Reason: string(policy.ReasonReviewAborted), FailureReason: ofProcess,
		})
		if k := event.ActionKind(r.request.ActionKind); k == event.ActionElicitation || k == event.ActionNetwork { // asked in the middle of a call, which is closed by itself
			continue
		}
		decision := add(&event.ToolDecisionPayload{
			ToolName: r.request.ToolName, ToolNamespace: namespace, CallID: r.call, Decision: "abort", Source: "Config", Outcome: "forbid",
			Reason: string(policy.ReasonInterrupted), DecidedBy: string(policy.SourceConfig), Approval: r.request.ApprovalID,
			Digest: r.request.Digest, Policy: st.policy, Facts: event.SecretJSON(policy.Facts{}), Action: r.request.Action,
			Message: event.Secret(abandonedText),
		})
		result++
		drafts = append(drafts, event.Draft{Turn: r.turn, Call: r.call, Cause: decision, Actor: event.System, Payload: &event.ToolResultPayload{
			ResultSeq: result - 1, ToolName: r.request.ToolName, ToolNamespace: namespace, CallID: r.call, AgentName: mainAgent,
			Status: Refused, Digest: r.request.Digest, Output: event.Secret(abandonedText),
		}})
	}
	return drafts
}

const abandonedText = "The call was not run: the process that waited for its approval ended before there was an answer."
