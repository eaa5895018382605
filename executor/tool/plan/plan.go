package plan

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"proctor/event"
	"proctor/executor/tool"
)

const (
	// Name is what models call.
	Name = "update_plan"
	// MaxSteps bounds a plan.
	MaxSteps = 200
	// MaxStep bounds the text of a step, in bytes.
	MaxStep = 4 << 10
)

// Tool is update_plan. The zero value is ready.
type Tool struct{}

// Name implements tool.Tool.
func (Tool) Name() string { return Name }

// Definition implements tool.Tool.
func (Tool) Definition() json.RawMessage { return json.RawMessage(form) }

const form = `{
  "type": "function",
  "name": "update_plan",
  "description": "Keeps the plan of the work up to date: all steps in order, each with its status. At most one step is in progress.",
  "strict": false,
  "parameters": {
    "type": "object",
    "properties": {
      "explanation": {"type": "string", "description": "Why the plan changed, if it did."},
      "plan": {
        "type": "array",
        "description": "All steps, also the finished ones.",
        "items": {
          "type": "object",
          "properties": {
            "step": {"type": "string", "description": "What is to be done."},
            "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]}
          },
          "required": ["step", "status"],
          "additionalProperties": false
        }
      }
    },
    "required": ["plan"],
    "additionalProperties": false
  }
}`

// Propose implements tool.Tool.
func (Tool) Propose(_ context.Context, c tool.Call) (tool.Proposal, error) {
	a, err := tool.ParseArguments(c)
	if err != nil {
		return nil, err
	}
	p := &proposal{name: c.Name, arguments: c.Arguments, explanation: a.Raw("explanation")}
	if !a.Has("plan") {
		a.Fail("plan", "missing; expected a list of steps")
	}
	busy := 0
	for _, item := range a.Objects("plan", MaxSteps) {
		s := tool.Step{Text: item.Required("step", "what is to be done"), Status: status(item)}
		if len(s.Text) > MaxStep {
			item.Fail("step", "has %d bytes, at most %d are allowed", len(s.Text), MaxStep)
		}
		if s.Status == "in_progress" {
			busy++
		}
		a.Merge(item)
		p.steps = append(p.steps, s)
	}
	if busy > 1 {
		a.Fail("plan", "has %d steps in progress; expected at most one", busy)
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

func status(item *tool.Arguments) string {
	if !item.Has("status") {
		item.Fail("status", "missing; expected one of pending, in_progress, completed")
		return ""
	}
	return item.Choice("status", "pending", "in_progress", "completed")
}

// proposal is a checked plan.
type proposal struct {
	name        string
	arguments   string
	explanation string
	steps       []tool.Step
}

// Action implements tool.Proposal.
func (p *proposal) Action() event.Action {
	return event.Action{Kind: event.ActionPlan, Tool: p.name, Arguments: p.arguments, Justification: strings.TrimSpace(p.explanation)}
}

// Steps implements tool.Planner.
func (p *proposal) Steps() []tool.Step { return slices.Clone(p.steps) }

// Run implements tool.Proposal.
func (p *proposal) Run(_ context.Context, g tool.Grant, _ tool.Observer) (tool.Result, error) {
	if err := g.Check(p.Action()); err != nil {
		return tool.Result{}, err
	}
	return tool.Result{Output: "Plan updated", Success: true}, nil
}
