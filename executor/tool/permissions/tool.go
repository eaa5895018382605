package permissions

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"proctor/event"
	"proctor/executor/tool"
)

// Name is what models call.
const Name = "request_permissions"

const form = `{
  "type": "function",
  "name": "request_permissions",
  "description": "Asks for more permissions for the commands of this turn, before they are needed. The answer says what was granted and for how long; it is never more than was asked for, and may be nothing.",
  "strict": false,
  "parameters": {
    "type": "object",
    "properties": {
      "reason": {"type": "string", "description": "One sentence for the person who approves, saying why."},
      "permissions": %s
    },
    "required": ["permissions"],
    "additionalProperties": false
  }
}`

// Tool is request_permissions.
type Tool struct{ dir string }

// New makes the tool; paths are relative to dir, which must be absolute.
func New(dir string) (Tool, error) {
	if !filepath.IsAbs(dir) {
		return Tool{}, fmt.Errorf("make %s: working directory %q is not absolute", Name, dir)
	}
	return Tool{dir}, nil
}

// Name implements tool.Tool.
func (Tool) Name() string { return Name }

// Definition implements tool.Tool.
func (Tool) Definition() json.RawMessage { return json.RawMessage(fmt.Sprintf(form, Schema)) }

// Propose implements tool.Tool.
func (t Tool) Propose(_ context.Context, c tool.Call) (tool.Proposal, error) {
	a, err := tool.ParseArguments(c)
	if err != nil {
		return nil, err
	}
	reason := a.Raw("reason")
	p := Read(a, "permissions", t.dir)
	if err := a.Err(); err != nil {
		return nil, err
	}
	return proposal{c.Name, reason, p}, nil
}

type proposal struct {
	name, reason string
	asked        event.Permissions
}

// Action implements tool.Proposal.
func (p proposal) Action() event.Action {
	asked := p.asked
	return event.Action{Kind: event.ActionPermissions, Tool: p.name, Additional: &asked, Justification: p.reason}
}

// Run implements tool.Proposal: the approval was recorded, so what it grants holds already.
func (p proposal) Run(_ context.Context, g tool.Grant, _ tool.Observer) (tool.Result, error) {
	if err := g.Check(p.Action()); err != nil {
		return tool.Result{}, err
	}
	scope := "turn"
	if g.Scope == event.ScopeSession {
		scope = "session"
	}
	return tool.Result{Output: event.GrantAnswer(&p.asked, scope, ""), Success: true}, nil
}
