package policy

import "testing"

func exec(c Class, matches ...RuleMatch) Facts {
	return Facts{Action: ActionExec, Approval: onRequest, Sandbox: WorkspaceWrite, Parts: []Part{{Argv: []string{"a", "b"}, Class: c, Matches: matches}}}
}

func (f Facts) with(change func(*Facts)) Facts { change(&f); return f }

func under(p ApprovalPolicy) func(*Facts) { return func(f *Facts) { f.Approval = p } }

// The matrix of commands that no rule decides: reference/codex-sandbox-approvals.md section 6.
func TestCommandMatrix(t *testing.T) {
	escalate := func(f *Facts) { f.Escalation, f.Justified = true, true }
	full := func(f *Facts) { f.Sandbox = DangerFullAccess }
	plain := func(*Facts) {}
	for _, c := range []struct {
		name                      string
		approval                  ApprovalPolicy
		how                       func(*Facts)
		safe, ordinary, dangerous Outcome
	}{
		{"untrusted", untrusted, plain, Allow, Prompt, Prompt},
		{"on-request", onRequest, plain, Allow, Allow, Prompt},
		{"on-failure", ApprovalPolicy{Mode: OnFailure}, plain, Allow, Allow, Prompt},
		{"granular", allOn, plain, Allow, Allow, Prompt},
		{"granular off", allOff, plain, Allow, Allow, Forbid},
		{"never", never, plain, Allow, Allow, Forbid},
		{"on-request escalated", onRequest, escalate, Prompt, Prompt, Prompt},
		{"granular escalated", allOn, escalate, Prompt, Prompt, Prompt},
		{"granular off escalated", allOff, escalate, Forbid, Forbid, Forbid},
		{"never escalated", never, escalate, Forbid, Forbid, Forbid},
		{"on-request full access", onRequest, full, Allow, Allow, Prompt},
		{"never full access", never, full, Allow, Allow, Forbid},
		{"untrusted full access", untrusted, full, Allow, Prompt, Prompt},
	} {
		t.Run(c.name, func(t *testing.T) {
			for class, want := range map[Class]Outcome{Safe: c.safe, Ordinary: c.ordinary, Dangerous: c.dangerous} {
				if d := Decide(exec(class).with(under(c.approval)).with(c.how)); d.Outcome != want {
					t.Errorf("%s: got %+v, want %s", class, d, want)
				}
			}
		})
	}
}

func TestDecisions(t *testing.T) {
	allow, prompt, forbid := RuleMatch{Prefix: []string{"a"}, Decision: Allow}, RuleMatch{Prefix: []string{"a"}, Decision: Prompt},
		RuleMatch{Prefix: []string{"a", "b"}, Decision: Forbid, Justification: "use c", File: "t.rules", Line: 3}
	patch := func(w Writes) Facts {
		return Facts{Action: ActionPatch, Approval: onRequest, Sandbox: WorkspaceWrite, Writes: &w}
	}
	mcp := func(m MCP) Facts {
		return Facts{Action: ActionMCP, Approval: onRequest, Sandbox: ReadOnly, MCP: &m}
	}
	network := func(n Network) Facts {
		n.Enabled = true
		return Facts{Action: ActionNetwork, Approval: onRequest, Sandbox: WorkspaceWrite, Network: &n}
	}
	miss := Network{Host: "h", Outcome: Forbid, Reason: ReasonNotAllowed, Askable: true}
	for _, c := range []struct {
		name    string
		facts   Facts
		outcome Outcome
		source  Source
		reason  Reason
		bypass  bool
	}{
		{"allow rule lifts the sandbox", exec(Ordinary, allow).with(under(never)), Allow, SourceRule, ReasonRuleAllow, true},
		{"not while reads are denied", exec(Ordinary, allow).with(func(f *Facts) { f.DeniedReads = true }), Allow, SourceRule, ReasonRuleAllow, false},
		{"the most severe part says why", exec(Safe).with(func(f *Facts) { f.Parts = append(f.Parts, Part{Argv: []string{"c"}, Class: Ordinary}) }), Allow, SourceConfig, ReasonSandboxed, false},
		{"allow rule for one part only", exec(Ordinary, allow).with(func(f *Facts) { f.Parts = append(f.Parts, Part{Argv: []string{"c"}, Class: Ordinary}) }), Allow, SourceConfig, ReasonSandboxed, false},
		{"escalated under never is refused before rules", exec(Ordinary, allow).with(under(never)).with(func(f *Facts) { f.Escalation = true }), Forbid, SourceConfig, ReasonEscalationRefused, false},
		{"escalated with allow rule", exec(Ordinary, allow).with(func(f *Facts) { f.Escalation = true }), Allow, SourceRule, ReasonRuleAllow, true},
		{"escalated without justification", exec(Safe).with(func(f *Facts) { f.Escalation = true }), Prompt, SourceConfig, ReasonNoJustification, true},
		{"strictest rule wins", exec(Safe, allow, forbid, prompt), Forbid, SourceRule, ReasonRuleForbid, false},
		{"rule prompt under never", exec(Safe, prompt).with(under(never)), Forbid, SourceRule, ReasonRulePrompt, false},
		{"rule prompt with rules off", exec(Safe, prompt).with(under(ApprovalPolicy{Mode: Granular, Categories: Categories{SandboxApproval: true}})), Forbid, SourceRule, ReasonRulePrompt, false},
		{"rule prompt with only rules on", exec(Safe, prompt).with(under(ApprovalPolicy{Mode: Granular, Categories: Categories{Rules: true}})), Prompt, SourceRule, ReasonRulePrompt, false},
		{"rule prompts are not cached", exec(Safe, prompt).with(func(f *Facts) { f.SessionApproved = true }), Prompt, SourceRule, ReasonRulePrompt, false},
		{"forbid rule inside a script", exec(Ordinary).with(func(f *Facts) { f.Inner = []Part{{Argv: []string{"a", "b"}, Matches: []RuleMatch{forbid}}} }), Forbid, SourceRule, ReasonRuleForbid, false},
		{"allow rule inside a script", exec(Ordinary).with(func(f *Facts) { f.Inner = []Part{{Argv: []string{"a"}, Matches: []RuleMatch{allow}}} }), Allow, SourceConfig, ReasonSandboxed, false},
		{"finding raises the class", exec(Ordinary).with(func(f *Facts) { f.Parts[0].Findings = []Finding{{"x", Dangerous}} }), Prompt, SourceConfig, ReasonDangerousCommand, false},
		{"unless documented classes are asked for", exec(Ordinary).with(func(f *Facts) { f.DocumentedClasses = true; f.Parts[0].Findings = []Finding{{"x", Dangerous}} }), Allow, SourceConfig, ReasonSandboxed, false},
		{"session approval", exec(Ordinary).with(under(untrusted)).with(func(f *Facts) { f.SessionApproved = true }), Allow, SourceSession, ReasonApprovedForSession, false},
		{"dangerous is one-shot", exec(Dangerous).with(func(f *Facts) { f.SessionApproved = true }), Prompt, SourceConfig, ReasonDangerousCommand, false},
		{"headless", exec(Ordinary).with(func(f *Facts) { f.Headless, f.Escalation = true, true }), Forbid, SourceConfig, ReasonEscalationRefused, false},
		{"headless with reviewer", exec(Ordinary).with(func(f *Facts) { f.Headless, f.Escalation, f.Justified, f.Reviewer = true, true, true, ReviewerAuto }), Prompt, SourceConfig, ReasonEscalation, true},
		{"headless untrusted", exec(Ordinary).with(under(untrusted)).with(func(f *Facts) { f.Headless = true }), Forbid, SourceConfig, ReasonHeadless, false},
		{"unknown class is dangerous", exec("odd").with(under(never)), Forbid, SourceConfig, ReasonDangerousCommand, false},
		{"no command", Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly}, Forbid, SourceConfig, ReasonNoCommand, false},
		{"unknown sandbox", exec(Safe).with(func(f *Facts) { f.Sandbox = "odd" }), Forbid, SourceConfig, ReasonUnknownSandbox, false},
		{"no approval policy", exec(Safe).with(under(ApprovalPolicy{})), Forbid, SourceConfig, ReasonUnknownPolicy, false},

		{"patch inside", patch(Writes{Inside: []string{"/w/a"}}), Allow, SourceConfig, ReasonPatchInside, false},
		{"patch inside, untrusted edits freely", patch(Writes{Inside: []string{"/w/a"}}).with(under(untrusted)), Allow, SourceConfig, ReasonPatchInside, false},
		{"patch outside", patch(Writes{Inside: []string{"/w/a"}, Outside: []string{"/x"}}), Prompt, SourceConfig, ReasonPatchOutside, true},
		{"patch outside, never", patch(Writes{Outside: []string{"/x"}}).with(under(never)), Forbid, SourceConfig, ReasonNeverAsk, false},
		{"patch protected", patch(Writes{Protected: []string{"/w/.git/x"}}), Prompt, SourceConfig, ReasonPatchProtected, true},
		{"patch hidden, whoever approves", patch(Writes{Inside: []string{"/w/a"}, Hidden: []string{"/s"}}).with(func(f *Facts) { f.SessionApproved = true }), Forbid, SourceConfig, ReasonPatchHidden, false},
		{"patch without targets", patch(Writes{}), Forbid, SourceConfig, ReasonPatchNoTargets, false},

		{"stdin", Facts{Action: ActionStdin, Approval: never, Sandbox: ReadOnly, Stdin: &Stdin{Known: true}}, Allow, SourceConfig, ReasonStdinRunning, false},
		{"stdin of an unconfined command", Facts{Action: ActionStdin, Approval: onRequest, Sandbox: ReadOnly, Stdin: &Stdin{Known: true, Unconfined: true}}, Prompt, SourceConfig, ReasonStdinUnconfined, true},
		{"waiting for an unconfined command", Facts{Action: ActionStdin, Approval: onRequest, Sandbox: ReadOnly, Stdin: &Stdin{Known: true, Unconfined: true, Empty: true}}, Allow, SourceConfig, ReasonStdinRunning, false},
		{"typing into one is asked each time", Facts{Action: ActionStdin, Approval: onRequest, Sandbox: ReadOnly, SessionApproved: true, Stdin: &Stdin{Known: true, Unconfined: true}}, Prompt, SourceConfig, ReasonStdinUnconfined, true},
		{"stdin of nothing", Facts{Action: ActionStdin, Approval: onRequest, Sandbox: ReadOnly}, Forbid, SourceConfig, ReasonStdinUnknown, false},
		{"plan", Facts{Action: ActionPlan}, Allow, SourceConfig, ReasonHarmlessTool, false},

		{"destructive wins over read-only", mcp(MCP{Destructive: new(true), ReadOnly: new(true)}), Prompt, SourceConfig, ReasonToolDestructive, false},
		{"read-only tool", mcp(MCP{ReadOnly: new(true)}), Allow, SourceConfig, ReasonToolReadOnly, false},
		{"tool without hints", mcp(MCP{}), Prompt, SourceConfig, ReasonToolSideEffects, false},
		{"tool that stays in a closed world and destroys nothing", mcp(MCP{Destructive: new(false), OpenWorld: new(false)}).with(under(never)), Allow, SourceConfig, ReasonToolContained, false},
		{"open world", mcp(MCP{Destructive: new(false), OpenWorld: new(true)}), Prompt, SourceConfig, ReasonToolSideEffects, false},
		{"configuration approves", mcp(MCP{Mode: ToolApprove}).with(under(never)), Allow, SourceConfig, ReasonToolApproved, false},
		{"but nothing destructive", mcp(MCP{Mode: ToolApprove, Destructive: new(true)}).with(under(never)), Forbid, SourceConfig, ReasonNeverAsk, false},
		{"configuration asks", mcp(MCP{Mode: ToolPrompt, ReadOnly: new(true)}), Prompt, SourceConfig, ReasonToolPrompt, false},
		{"unknown mode asks", mcp(MCP{Mode: "yes", ReadOnly: new(true)}), Prompt, SourceConfig, ReasonToolPrompt, false},
		{"changed tool", mcp(MCP{Mode: ToolApprove, ReadOnly: new(true), Changed: true}), Forbid, SourceConfig, ReasonToolChanged, false},
		{"an approval does not cover the next destructive call", mcp(MCP{Destructive: new(true)}).with(func(f *Facts) { f.SessionApproved = true }), Prompt, SourceConfig, ReasonToolDestructive, false},
		{"nor the question of a server", Facts{Action: ActionElicitation, Approval: onRequest, Sandbox: ReadOnly, MCP: &MCP{Server: "s"}, SessionApproved: true}, Prompt, SourceConfig, ReasonElicitation, false},
		{"question of a server, headless", Facts{Action: ActionElicitation, Approval: onRequest, Sandbox: ReadOnly, MCP: &MCP{Server: "s"}, Headless: true}, Forbid, SourceConfig, ReasonHeadless, false},
		{"tool with side effects, never", mcp(MCP{}).with(under(never)), Forbid, SourceConfig, ReasonNeverAsk, false},

		{"network miss", network(miss), Prompt, SourceConfig, ReasonNotAllowed, false},
		{"network miss, never", network(miss).with(under(never)), Forbid, SourceConfig, ReasonNotAllowed, false},
		{"final miss", network(Network{Outcome: Forbid, Reason: ReasonNotAllowed}), Forbid, SourceConfig, ReasonNotAllowed, false},
		{"denied host has no exception", network(Network{Outcome: Forbid, Reason: ReasonDenied, RuleDecision: Allow}), Forbid, SourceConfig, ReasonDenied, false},
		{"network rule allows a miss", network(Network{Outcome: Forbid, Reason: ReasonNotAllowed, Askable: true, RuleDecision: Allow}), Allow, SourceRule, ReasonNetworkRuleAllow, false},
		{"network rule forbids", network(Network{Outcome: Allow, Reason: ReasonNetworkAllowed, RuleDecision: Forbid}), Forbid, SourceRule, ReasonNetworkRuleForbid, false},
		{"network off", Facts{Action: ActionNetwork, Approval: onRequest, Sandbox: ReadOnly, Network: &Network{Outcome: Allow}}, Forbid, SourceConfig, ReasonNetworkOff, false},

		{"permissions", Facts{Action: ActionPermissions, Approval: onRequest, Sandbox: ReadOnly, Permissions: &Permissions{}}, Prompt, SourceConfig, ReasonPermissionAsked, false},
		{"permissions that are held", Facts{Action: ActionPermissions, Approval: never, Sandbox: ReadOnly, Permissions: &Permissions{Held: true}}, Allow, SourceConfig, ReasonPermissionHeld, false},
		{"a command with permissions that are held", exec(Ordinary).with(under(never)).with(func(f *Facts) { f.Permissions = &Permissions{Held: true} }), Allow, SourceConfig, ReasonSandboxed, false},
		{"a command with more than may be granted", exec(Safe).with(func(f *Facts) { f.Permissions = &Permissions{ExceedsManaged: true} }), Forbid, SourceManaged, ReasonPermissionManaged, false},
		{"an allow rule that does not lift the sandbox gives no permissions", exec(Ordinary, allow).with(func(f *Facts) { f.DeniedReads, f.Permissions = true, &Permissions{} }), Prompt, SourceConfig, ReasonMorePermissions, false},
		{"permissions switched off", Facts{Action: ActionPermissions, Approval: allOff, Sandbox: ReadOnly, Permissions: &Permissions{}}, Forbid, SourceConfig, ReasonCategoryOff, false},
		{"permissions beyond requirements", Facts{Action: ActionPermissions, Approval: onRequest, Sandbox: ReadOnly, Permissions: &Permissions{Held: true, ExceedsManaged: true}}, Forbid, SourceManaged, ReasonPermissionManaged, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(c.facts)
			if d.Outcome != c.outcome || d.Source != c.source || d.Reason != c.reason || d.BypassSandbox != c.bypass {
				t.Errorf("got %+v, want %s by %s for %s, bypass %v", d, c.outcome, c.source, c.reason, c.bypass)
			}
		})
	}
}

// A refusal by rule names the rule with its place, for the record, and the justification, for the model.
func TestRuleIsNamed(t *testing.T) {
	d := Decide(exec(Safe, RuleMatch{Prefix: []string{"a", "b"}, Decision: Forbid, Justification: "use c", File: "t.rules", Line: 3}))
	if d.Rule != "prefix_rule a b (t.rules:3)" || d.Text != "`a b` is forbidden by a rule: use c" {
		t.Errorf("got rule %q, text %q", d.Rule, d.Text)
	}
}
