package tool

import (
	"context"
	"encoding/json"

	"proctor/event"
)

// Call is a tool call as the model sent it.
type Call struct {
	ID        string
	Name      string
	Namespace string
	// Arguments is a JSON object, or the bare text of a free-form tool.
	Arguments string
	// Custom marks a free-form call (custom_tool_call).
	Custom bool
}

// Tool turns calls into proposals.
type Tool interface {
	// Name is what the model calls.
	Name() string
	// Definition is the tool object of the Responses API.
	Definition() json.RawMessage
	// Propose checks the arguments and computes the action. It changes nothing.
	// What the model got wrong is an *ArgumentError.
	Propose(ctx context.Context, c Call) (Proposal, error)
}

// Namespaced is a Tool that belongs to a server. The model may call it with the namespace
// beside the name, or joined as NAMESPACE__NAME.
type Namespaced interface {
	Tool
	Namespace() string
}

// Proposal is one checked call, waiting for a decision.
type Proposal interface {
	// Action is exactly what Run will do. It is the same at every call.
	Action() event.Action
	// Run does it. It may be called once.
	Run(ctx context.Context, g Grant, o Observer) (Result, error)
}
