package approval

import (
	"context"

	"github.com/google/uuid"

	"proctor/event"
	"proctor/policy"
)

// byPolicy names policy where a reviewer stands: it answered itself, because nobody may be asked. Reviewers pass such requests over.
const byPolicy = event.ReviewerPolicy

// Elicit asks whether the question of an MCP server, in the middle of a call, may be answered with yes. Question and answer are
// recorded as any approval; what nobody may be asked is answered no by policy. An error means that the record is lost.
func (g *Gate) Elicit(ctx context.Context, callID string, a event.Action) (approved bool, err error) {
	g.mu.Lock()
	r := Request{Turn: g.turns[callID], CallID: callID, Tool: "mcp__" + a.Server, Action: a}
	g.mu.Unlock()
	d := policy.Decide(Facts(g.Authority(), Request{Action: a, MCP: &policy.MCP{Server: a.Server}}))
	if d.Outcome != policy.Prompt {
		return false, g.decline(ctx, r, d.Reason)
	}
	answer, _, err := g.ask(ctx, r, d, event.Amendment{})
	if err != nil {
		return false, err
	}
	return answer.Status == event.Approved && answer.Digest == a.Digest(), nil
}

// DeclineElicitation records a question that cannot be answered here, whoever is asked.
func (g *Gate) DeclineElicitation(ctx context.Context, callID string, a event.Action, why policy.Reason) error {
	g.mu.Lock()
	r := Request{Turn: g.turns[callID], CallID: callID, Tool: "mcp__" + a.Server, Action: a}
	g.mu.Unlock()
	return g.decline(ctx, r, why)
}

func (g *Gate) decline(ctx context.Context, r Request, why policy.Reason) error {
	request := &event.ApprovalRequestedPayload{
		ApprovalID: uuid.NewString(), ToolName: bounded(r.Tool), ActionKind: string(r.Action.Kind), Digest: r.Action.Digest(),
		Reviewer: byPolicy, Reason: string(why), OneShot: true, Action: event.SecretJSON(r.Action),
	}
	id := event.NewID()
	_, err := g.opts.Stream.RecordAnyway(ctx,
		event.Draft{ID: id, Turn: r.Turn, Call: r.CallID, Cause: r.Cause, Payload: request},
		event.Draft{Turn: r.Turn, Call: r.CallID, Cause: id, Actor: event.Policy, Payload: &event.ApprovalDecidedPayload{
			ApprovalID: request.ApprovalID, Reviewer: byPolicy, Status: event.Denied, Digest: request.Digest, Reason: string(why),
		}})
	return err
}
