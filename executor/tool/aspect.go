package tool

import (
	"context"
	"errors"

	"proctor/policy"
	"proctor/policy/filesystem"
)

// The interfaces below are aspects that some tools and proposals have besides
// [Tool] and [Proposal]; the executor asks for them.

// Parallel is a Tool whose calls may run beside other calls of the same answer.
// Without it a call runs alone.
type Parallel interface{ Parallel() bool }

// Closer is a Tool that holds processes or connections: Close ends them all and
// waits; Observer.Ended was called for each of them when it returns. It may be called twice.
type Closer interface {
	Close(ctx context.Context) error
}

// CloseAll closes those of tools that are a Closer.
func CloseAll(ctx context.Context, tools []Tool) error {
	var errs []error
	for _, t := range tools {
		if c, ok := t.(Closer); ok {
			errs = append(errs, c.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// StdinFacts is a Proposal that writes to a running process.
type StdinFacts interface{ StdinFacts() policy.Stdin }

// MCPFacts is a Proposal that calls a tool of a server.
type MCPFacts interface{ MCPFacts() policy.MCP }

// Changer is a Proposal that knows beforehand which files it changes.
type Changer interface{ Changes() []Change }

// Planner is a Proposal that carries a plan.
type Planner interface{ Steps() []Step }

// Step is one entry of a plan.
type Step struct {
	Text   string `json:"step"`
	Status string `json:"status"` // pending, in_progress, completed
}

// Narrowed is a Proposal that asks for less than the plan of the session gives: its call is decided and run under that.
type Narrowed interface {
	Narrow(filesystem.Plan) filesystem.Plan
}

// Prefixed is a Proposal with the command prefix that the model wants approved for the future, or nil.
type Prefixed interface{ PrefixRule() []string }
