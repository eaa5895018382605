package approval

import (
	"proctor/event"
	"proctor/policy"
	"proctor/policy/command"
	"proctor/policy/execrules"
	"proctor/policy/filesystem"
)

// Authority is everything that decides, fixed for a session.
type Authority struct {
	Approval policy.ApprovalPolicy
	Sandbox  policy.SandboxMode
	Reviewer policy.Reviewer
	Headless bool
	Rules    *execrules.Rules
	// Plan confines what runs by default; Escalated is used when an action may leave the sandbox.
	Plan, Escalated filesystem.Plan
	// DeniedReads: a permission profile hides paths, see policy.Facts. Our own state, which Plan
	// always hides, does not count.
	DeniedReads bool
	// Home is the person's home folder, for "~/" in rules.
	Home string
	// Digest names all of this, see event.PolicyLoadedPayload.
	Digest string
}

// Request is one proposed tool call.
type Request struct {
	Turn, CallID, Tool, Namespace string
	Cause                         event.ID
	Action                        event.Action
	// Stdin, MCP and Network are facts that only their tools, and the proxy, know.
	Stdin   *policy.Stdin
	MCP     *policy.MCP
	Network *policy.Network
	// Hook is what hooks said of the call itself, nil when none objects.
	Hook *policy.Hook
	// Parsed is how the command was taken apart, where that is recorded already; nil means that it is done now. Matches in it
	// do not count.
	Parsed *command.Parsed
	// Prefix are the first words of the command that the model would like approved for later too; only a proposal.
	Prefix []string
	// Narrow is what of a plan the call asked for, when that may be less; nil means the plan as it is.
	Narrow func(filesystem.Plan) filesystem.Plan
}

// Facts gathers what Decide looks at. It touches nothing: paths in the action are canonical already.
func Facts(a Authority, r Request) policy.Facts {
	f := policy.Facts{
		Action: kinds[r.Action.Kind], Approval: a.Approval, Sandbox: a.Sandbox, Headless: a.Headless, Reviewer: a.Reviewer,
		Escalation:  r.Action.Permissions == event.RequireEscalated,
		Justified:   r.Action.Justification != "",
		DeniedReads: a.DeniedReads,
		Stdin:       r.Stdin, MCP: r.MCP, Network: r.Network, Hook: r.Hook,
	}
	switch r.Action.Kind {
	case event.ActionCommand:
		parsed := r.Parsed
		if parsed == nil {
			fresh := command.Parse(r.Action.Argv)
			parsed = &fresh
		}
		ruled := a.Rules.Apply(*parsed, execrules.Options{ResolveHostExecutables: true, Home: a.Home, Cwd: r.Action.Cwd})
		f.Parts, f.Inner = ruled.Parts, ruled.Inner
	case event.ActionPatch:
		f.Writes = writes(a.Plan, r.Action.Files)
	default: // the fields above are all there is
	}
	return f
}

var kinds = map[event.ActionKind]policy.Action{
	event.ActionCommand:     policy.ActionExec,
	event.ActionStdin:       policy.ActionStdin,
	event.ActionPatch:       policy.ActionPatch,
	event.ActionRead:        policy.ActionImage,
	event.ActionPlan:        policy.ActionPlan,
	event.ActionNetwork:     policy.ActionNetwork,
	event.ActionMCP:         policy.ActionMCP,
	event.ActionElicitation: policy.ActionElicitation,
	event.ActionPermissions: policy.ActionPermissions,
}

func writes(p filesystem.Plan, files []string) *policy.Writes {
	var w policy.Writes
	for _, file := range files {
		v := p.CheckWrite(file)
		switch {
		case v.Allowed:
			w.Inside = append(w.Inside, file)
		case v.Reason == filesystem.ReasonDeniedRead:
			w.Hidden = append(w.Hidden, file)
		case v.Reason == filesystem.ReasonProtectedPath:
			w.Protected = append(w.Protected, file)
		default:
			w.Outside = append(w.Outside, file)
		}
	}
	return &w
}
