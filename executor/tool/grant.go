package tool

import (
	"fmt"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// Grant is the permission to run one proposal.
type Grant struct {
	// Plan confines the action; file tools ask it about every path they touch.
	Plan filesystem.Plan
	// Backend starts processes. Tools without processes ignore it.
	Backend sandbox.Backend
	// PlanDigest is what the executor put into Action.Plan before the action was decided, or empty.
	PlanDigest string
	// Scope is for how long the action was approved: event.ScopeOnce or event.ScopeSession. Only request_permissions asks.
	Scope string
	// Digest is that of the decided action.
	Digest event.Hash
}

// Check returns ErrDigest unless a, with the plan digest of g, is the action that was decided.
func (g Grant) Check(a event.Action) error {
	a.Plan = g.PlanDigest
	if d := a.Digest(); d != g.Digest {
		return fmt.Errorf("run %s: its action has digest %s, the decision is about %s: %w", a.Tool, d, g.Digest, ErrDigest)
	}
	return nil
}
