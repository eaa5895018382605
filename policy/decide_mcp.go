package policy

// decideMCP: a destructive hint always needs approval, each time, whatever other hints or the configuration say. Then the
// configured mode decides, then the hints: only a tool that says it is read-only, or that says both that it destroys nothing
// and that it stays in a closed world, does without approval.
//
// Source: security document, "Sandbox and approvals"; the table of annotations in reference/codex-auto-review.md section 1.
func decideMCP(f Facts) Decision {
	m := f.MCP
	if m == nil {
		return refuse(ReasonUnknownAction, "the tool call carries no tool")
	}
	allow := func(r Reason) Decision { return Decision{Outcome: Allow, Source: SourceConfig, Reason: r} }
	ask := func(r Reason, once bool, text string) Decision {
		return f.ask(Decision{Reason: r, Category: CategoryMCP, OneShot: once}, "the tool "+clip(m.Server+"/"+m.Tool)+" "+text)
	}
	switch {
	case m.Changed:
		return refuse(ReasonToolChanged, "the server changed the tool "+clip(m.Server+"/"+m.Tool)+" after it was offered, so what is known of it does not hold; go on without it")
	case says(m.Destructive, true):
		return ask(ReasonToolDestructive, true, "says that it can destroy data")
	case m.Mode == ToolApprove:
		return allow(ReasonToolApproved)
	case m.Mode != ToolAuto && m.Mode != "":
		return ask(ReasonToolPrompt, false, "is configured to ask before every call")
	case says(m.ReadOnly, true):
		return allow(ReasonToolReadOnly)
	case says(m.Destructive, false) && says(m.OpenWorld, false):
		return allow(ReasonToolContained)
	}
	return ask(ReasonToolSideEffects, false, "does not say that it is read-only")
}

func says(hint *bool, v bool) bool { return hint != nil && *hint == v }

// decideElicitation: what a server asks of the user in the middle of a call is never answered without somebody who can.
func decideElicitation(f Facts) Decision {
	if f.MCP == nil {
		return refuse(ReasonUnknownAction, "the question names no server")
	}
	return f.ask(Decision{Reason: ReasonElicitation, Category: CategoryMCP, OneShot: true}, "the server "+clip(f.MCP.Server)+" asks the user something")
}
