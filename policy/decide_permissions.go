package policy

import "strings"

func decidePermissions(f Facts) Decision {
	p := f.Permissions
	switch {
	case p == nil:
		return refuse(ReasonUnknownAction, "the request names no permission")
	case p.ExceedsManaged:
		return beyond(p)
	case p.Held:
		return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonPermissionHeld}
	}
	// One-shot: the answer itself says for how long the permissions are held.
	return f.ask(Decision{Reason: ReasonPermissionAsked, Category: CategoryPermissions, OneShot: true}, "more permissions need approval")
}

// beyond refuses what nobody may approve.
func beyond(p *Permissions) Decision {
	d := refuse(ReasonPermissionManaged, "the administrator's requirements do not permit what was asked for")
	d.Source = SourceManaged
	if len(p.Beyond) > 0 {
		d.Text = "what was asked for may not be granted here: " + clip(strings.Join(p.Beyond, "; ")) + ". Ask for less, or go on without it"
	}
	return d
}

// more reports whether a command asks for permissions that it does not hold.
func (f Facts) more() bool {
	return f.Permissions != nil && !f.Permissions.Held && !f.Sandbox.Unconfined()
}

// refuseMore is the answer to a command that asks for more permissions than may be granted, or when nobody may be asked. It is
// both a command that leaves its sandbox and a request for permissions, so both categories must be open.
func (f Facts) refuseMore() (Decision, bool) {
	if !f.more() {
		return Decision{}, false
	}
	if f.Permissions.ExceedsManaged {
		return beyond(f.Permissions), true
	}
	for _, c := range [...]Category{CategorySandbox, CategoryPermissions} {
		if why := f.barrier(c); why != "" {
			return Decision{Outcome: Forbid, Source: SourceConfig, Reason: ReasonPermissionRefused, Category: c,
				Text: "additional permissions were requested; " + barrierText[why]}, true
		}
	}
	return Decision{}, false
}

// askMore is the prompt of such a command. It stays in the sandbox.
func askMore() Decision {
	return Decision{Outcome: Prompt, Source: SourceConfig, Reason: ReasonMorePermissions, Category: CategorySandbox,
		Text: "running with additional permissions needs approval"}
}
