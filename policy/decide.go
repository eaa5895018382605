package policy

// Decide answers facts. It never fails: what it does not understand it forbids.
//
// Source of the matrix: reference/codex-sandbox-approvals.md section 6, and the security document where they differ.
func Decide(f Facts) Decision {
	if f.Hook != nil && f.Hook.Blocked {
		return Decision{Outcome: Forbid, Source: SourceHook, Reason: ReasonHookBlocked, Text: f.Hook.Text}
	}
	if f.Action == ActionImage || f.Action == ActionPlan {
		return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonHarmlessTool}
	}
	if !f.Approval.Known() {
		return refuse(ReasonUnknownPolicy, "the approval policy is not one this version knows; nothing runs until the configuration is fixed")
	}
	if !f.Sandbox.Known() {
		return refuse(ReasonUnknownSandbox, "the sandbox mode is not one this version knows; nothing runs until the configuration is fixed")
	}
	switch f.Action {
	case ActionExec:
		return decideExec(f)
	case ActionStdin:
		return decideStdin(f)
	case ActionPatch:
		return decidePatch(f)
	case ActionNetwork:
		return decideNetwork(f)
	case ActionMCP:
		return decideMCP(f)
	case ActionElicitation:
		return decideElicitation(f)
	case ActionPermissions:
		return decidePermissions(f)
	case ActionSkill:
		return f.ask(Decision{Reason: ReasonSkillScript, Category: CategorySkill}, "a script of a skill runs only after approval")
	default:
		return refuse(ReasonUnknownAction, "the requested action is not one this version knows")
	}
}

func refuse(r Reason, text string) Decision {
	return Decision{Outcome: Forbid, Source: SourceConfig, Reason: r, Text: text}
}

// barrier says why prompts of category c cannot be asked; empty when they can.
func (f Facts) barrier(c Category) Reason {
	switch {
	case f.Approval.Mode == Never:
		return ReasonNeverAsk
	case f.Approval.Mode == Granular && !f.Approval.Categories.Keeps(c):
		return ReasonCategoryOff
	case f.Headless && f.Reviewer != ReviewerAuto && !f.Overridden:
		return ReasonHeadless
	}
	return ""
}

// ask turns d into a prompt, into an allow when the session already approved it, or into a refusal when nobody may be asked.
// A refusal keeps d.Reason only for the dangerous class and for rules, where it says more than the barrier.
func (f Facts) ask(d Decision, text string) Decision {
	if d.Source == "" {
		d.Source = SourceConfig
	}
	if why := f.barrier(d.Category); why != "" {
		d.Outcome, d.BypassSandbox = Forbid, false
		d.Text = text + "; " + barrierText[why]
		if d.Reason != ReasonDangerousCommand && d.Source != SourceRule {
			d.Reason = why
		}
		return d
	}
	if f.Hook != nil && f.Hook.Permission == Forbid {
		return Decision{Outcome: Forbid, Source: SourceHook, Reason: ReasonHookDenied, Category: d.Category, Rule: d.Rule, Text: f.Hook.Text}
	}
	if f.Overridden {
		return Decision{Outcome: Allow, Source: SourceUser, Reason: ReasonOverridden, BypassSandbox: d.BypassSandbox}
	}
	if f.SessionApproved && !d.OneShot {
		return Decision{Outcome: Allow, Source: SourceSession, Reason: ReasonApprovedForSession, BypassSandbox: d.BypassSandbox}
	}
	if f.Hook != nil && f.Hook.Permission == Allow && !d.OneShot && f.hookMayApprove() {
		return Decision{Outcome: Allow, Source: SourceHook, Reason: ReasonHookAllowed, BypassSandbox: d.BypassSandbox}
	}
	d.Outcome, d.Text = Prompt, text
	return d
}

// hookMayApprove: what is held for longer than a call, or is answered to a third party, is approved by a reviewer.
func (f Facts) hookMayApprove() bool {
	return f.Action == ActionExec || f.Action == ActionPatch || f.Action == ActionMCP || f.Action == ActionNetwork
}

var barrierText = map[Reason]string{
	ReasonNeverAsk:    "the approval policy is never, so no one is asked: choose another way that stays inside the sandbox",
	ReasonCategoryOff: "prompts of this kind are switched off by the granular approval policy: choose another way",
	ReasonHeadless:    "this run has no one to ask and no automatic reviewer: choose another way that stays inside the sandbox",
}

func decideStdin(f Facts) Decision {
	switch {
	case f.Stdin == nil || !f.Stdin.Known:
		return refuse(ReasonStdinUnknown, "there is no running command with that id in this session; start one first")
	case f.Stdin.Unconfined && !f.Stdin.Empty && !f.Sandbox.Unconfined():
		return f.ask(Decision{Reason: ReasonStdinUnconfined, Category: CategorySandbox, BypassSandbox: true, OneShot: true},
			"the running command is outside the sandbox, so what is typed into it needs approval")
	}
	return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonStdinRunning}
}

func decidePatch(f Facts) Decision {
	w := f.Writes
	switch {
	case w == nil || len(w.Inside)+len(w.Outside)+len(w.Protected)+len(w.Hidden) == 0:
		return refuse(ReasonPatchNoTargets, "the patch names no file; send one that does")
	case len(w.Hidden) > 0:
		return refuse(ReasonPatchHidden, "the patch changes a path that is hidden from this session ("+w.Hidden[0]+"); no approval opens it, leave it alone")
	case f.Sandbox.Unconfined():
		return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonFullAccess, BypassSandbox: true}
	case len(w.Protected) > 0:
		return f.ask(Decision{Reason: ReasonPatchProtected, Category: CategorySandbox, BypassSandbox: true},
			"the patch changes a protected path ("+w.Protected[0]+")")
	case len(w.Outside) > 0:
		return f.ask(Decision{Reason: ReasonPatchOutside, Category: CategorySandbox, BypassSandbox: true},
			"the patch changes a file outside the writable roots ("+w.Outside[0]+")")
	}
	return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonPatchInside}
}
