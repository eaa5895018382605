package policy

import "testing"

// An override answers a prompt, of any kind and also where nobody sits; it lifts no forbid and no policy that does not ask.
func TestAnOverrideOnlyAnswersPrompts(t *testing.T) {
	part := func(class Class, m ...RuleMatch) []Part {
		return []Part{{Argv: []string{"x"}, Class: class, Matches: m}}
	}
	onRequest := ApprovalPolicy{Mode: OnRequest}
	for name, c := range map[string]struct {
		f    Facts
		want Outcome
	}{
		"escalation":               {Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly, Parts: part(Ordinary), Escalation: true, Justified: true}, Allow},
		"escalation, nobody sits":  {Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly, Parts: part(Ordinary), Escalation: true, Headless: true}, Allow},
		"one-shot: dangerous":      {Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly, Parts: part(Dangerous)}, Allow},
		"one-shot: a rule prompts": {Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly, Parts: part(Ordinary, RuleMatch{Decision: Prompt})}, Allow},
		"a rule forbids":           {Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly, Parts: part(Ordinary, RuleMatch{Decision: Forbid})}, Forbid},
		"the policy never asks":    {Facts{Action: ActionExec, Approval: ApprovalPolicy{Mode: Never}, Sandbox: ReadOnly, Parts: part(Ordinary), Escalation: true}, Forbid},
		"the category is off":      {Facts{Action: ActionExec, Approval: ApprovalPolicy{Mode: Granular}, Sandbox: ReadOnly, Parts: part(Ordinary), Escalation: true}, Forbid},
		"a hidden path":            {Facts{Action: ActionPatch, Approval: onRequest, Sandbox: WorkspaceWrite, Writes: &Writes{Hidden: []string{"/s"}}}, Forbid},
		"beyond the requirements":  {Facts{Action: ActionPermissions, Approval: onRequest, Sandbox: WorkspaceWrite, Permissions: &Permissions{ExceedsManaged: true}}, Forbid},
		"a destination denied":     {Facts{Action: ActionNetwork, Approval: onRequest, Sandbox: WorkspaceWrite, Network: &Network{Enabled: true, Outcome: Forbid, Reason: ReasonDenied}}, Forbid},
		"a policy that is unknown": {Facts{Action: ActionExec, Sandbox: ReadOnly, Parts: part(Ordinary)}, Forbid},
		"a call without a command": {Facts{Action: ActionExec, Approval: onRequest, Sandbox: ReadOnly}, Forbid},
	} {
		c.f.Overridden = true
		if got := Decide(c.f); got.Outcome != c.want {
			t.Errorf("%s: got %+v, want %s", name, got, c.want)
		}
	}
}
