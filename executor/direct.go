package executor

import (
	"context"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/policy"
)

// Outcome is what came of a call that no model made.
type Outcome struct {
	Result
	// Tool is how the proposal ended; its zero value when it was not run.
	Tool tool.Result
	// Failure is why it did not run to its end: tool.ErrNotStarted, the error of the context.
	Failure error
	// Refused is the decision against it, nil when it was allowed; Message says so to a person.
	Refused *event.ToolDecisionPayload
	Message string
}

// ending is the part of an Outcome that a call notes on its way.
type ending struct {
	result  tool.Result
	failure error
	refused *event.ToolDecisionPayload
	message string
}

// Direct supervises one proposal as if a model had called it: decision, record, run, record. Id names the call in
// events, name is the tool. An error is about the record, as with Turn.
func (s *Session) Direct(ctx context.Context, id, name string, p tool.Proposal) (Outcome, error) {
	c := &call{t: &turn{s: s, before: s.Usage()}, call: tool.Call{ID: s.callLabel(id), Name: name}}
	_, err := c.supervise(ctx, p)
	c.t.result.Status = Failed
	switch {
	case err != nil || c.end.refused != nil:
	case ctx.Err() != nil && c.end.failure != nil:
		c.t.result.Status = Interrupted
	case c.end.failure == nil:
		c.t.result.Status = Completed // whatever its exit status is
	}
	return Outcome{Result: c.t.result, Tool: c.end.result, Failure: c.end.failure, Refused: c.end.refused, Message: c.end.message}, err
}

// Decline records that a call was refused before it became a proposal, and why: the one answer to what cannot be understood.
func (s *Session) Decline(ctx context.Context, id, name string, reason policy.Reason, message string) error {
	c := &call{t: &turn{s: s}, call: tool.Call{ID: s.callLabel(id), Name: name}}
	_, err := c.refuse(ctx, reason, message)
	return err
}
