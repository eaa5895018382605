package policy

// Action is the kind of thing asked for.
type Action string

// The actions.
const (
	ActionExec        Action = "exec_command"
	ActionStdin       Action = "write_stdin"
	ActionPatch       Action = "apply_patch"
	ActionImage       Action = "view_image"
	ActionPlan        Action = "update_plan"
	ActionNetwork     Action = "network"
	ActionMCP         Action = "mcp_tool"
	ActionElicitation Action = "mcp_elicitation"
	ActionPermissions Action = "request_permissions"
	ActionSkill       Action = "skill_script"
)

// Facts is everything Decide looks at. It is recorded with the decision, so it holds no secrets beyond the argument
// vectors themselves. Fields of other actions than Action are ignored.
type Facts struct {
	Action   Action         `json:"action"`
	Approval ApprovalPolicy `json:"approval_policy"`
	Sandbox  SandboxMode    `json:"sandbox_mode"`
	// Headless: no person can answer. With ReviewerAuto prompts still reach the automatic reviewer.
	Headless bool     `json:"headless,omitempty"`
	Reviewer Reviewer `json:"reviewer,omitempty"`
	// SessionApproved: this exact action was approved for the session. It answers prompts that may be cached, never a forbid.
	// GrantedBy is the id of that approval; it decides nothing.
	SessionApproved bool   `json:"session_approved,omitempty"`
	GrantedBy       string `json:"granted_by,omitempty"`
	// Overridden: a person permitted this exact action once, after a review had not approved it. It answers one prompt, of any kind, also
	// where nobody can be asked any more; never a forbid, and not under a policy that does not ask. GrantedBy is then the override.
	Overridden bool `json:"overridden,omitempty"`

	// Hook is what the hooks of the configuration said, nil when none had an opinion.
	Hook *Hook `json:"hook,omitempty"`

	// Commands. Parts are judged one by one. Inner are further commands seen inside parts that were kept whole: rules that
	// prompt or forbid apply to them, rules that allow do not.
	Parts      []Part `json:"parts,omitempty"`
	Inner      []Part `json:"inner,omitempty"`
	Escalation bool   `json:"escalation,omitempty"`
	Justified  bool   `json:"justified,omitempty"`
	// DeniedReads: the profile hides paths; an escalated or rule-allowed command then keeps a sandbox.
	DeniedReads bool `json:"denied_reads,omitempty"`
	// DocumentedClasses ignores findings that go beyond the documented classes (Codex compatibility).
	DocumentedClasses bool `json:"documented_classes,omitempty"`

	Writes      *Writes      `json:"writes,omitempty"`
	Stdin       *Stdin       `json:"stdin,omitempty"`
	Network     *Network     `json:"network,omitempty"`
	MCP         *MCP         `json:"mcp,omitempty"`
	Permissions *Permissions `json:"permissions,omitempty"`
}

// Hook is the word of the programs that a configuration wants asked. It narrows anything, and widens nothing: an approval
// answers a prompt as a reviewer would, never a forbid.
type Hook struct {
	// Blocked: one objects to the call itself. Text says why.
	Blocked bool `json:"blocked,omitempty"`
	// Permission answers a prompt: Allow, which does not count for prompts of one call only, or Forbid; empty asks the reviewer.
	Permission Outcome `json:"permission,omitempty"`
	Text       string  `json:"text,omitempty"`
}

// Part is one command with what is known of it.
type Part struct {
	Argv  []string `json:"argv"`
	Class Class    `json:"class"`
	// Findings raise the class beyond the documented one.
	Findings []Finding   `json:"findings,omitempty"`
	Matches  []RuleMatch `json:"matches,omitempty"`
}

// Finding is a property of a command that the documented classes do not see.
type Finding struct {
	Code  string `json:"code"`
	Class Class  `json:"class"`
}

// RuleMatch is one prefix rule that matched a command.
type RuleMatch struct {
	Prefix        []string `json:"prefix"`
	Decision      Outcome  `json:"decision"`
	Justification string   `json:"justification,omitempty"`
	// Person: of a managed rule that asks, a person must answer and not the automatic reviewer.
	Person          bool   `json:"person,omitempty"`
	ResolvedProgram string `json:"resolved_program,omitempty"`
	File            string `json:"file,omitempty"`
	Line            int    `json:"line,omitempty"`
}

// Effective is the class that Decide uses: the documented one raised by the findings.
func (p Part) Effective() Class {
	c := p.Class
	for _, f := range p.Findings {
		c = WorstClass(c, f.Class)
	}
	return c
}

// Writes sorts the targets of a patch: inside the writable set, outside of it, under a protected path, or hidden, where
// nobody may write whoever approves.
type Writes struct {
	Inside    []string `json:"inside,omitempty"`
	Outside   []string `json:"outside,omitempty"`
	Protected []string `json:"protected,omitempty"`
	Hidden    []string `json:"hidden,omitempty"`
}

// Stdin is about the running command that input is meant for.
type Stdin struct {
	// Known: the command was started by this session under a recorded decision and still runs.
	Known bool `json:"known"`
	// Unconfined: it runs without the sandbox of the mode.
	Unconfined bool `json:"unconfined,omitempty"`
	// Empty: nothing is written, output is only waited for.
	Empty bool `json:"empty,omitempty"`
}

// Network is what policy/egress said of a destination, and the network rules that name it.
type Network struct {
	Host     string `json:"host"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
	// Enabled: the sandbox of the command has network access at all.
	Enabled bool    `json:"enabled"`
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason"`
	Rule    string  `json:"rule,omitempty"`
	// Askable: the refusal is a plain miss, which an approval may override.
	Askable bool `json:"askable,omitempty"`
	// RuleDecision is the strictest network_rule for host and protocol; empty when none matched.
	RuleDecision Outcome `json:"rule_decision,omitempty"`
}

// MCP is a tool call of a connector with the hints it advertises; nil means not advertised. Hints are the server's word.
type MCP struct {
	Server      string `json:"server"`
	Tool        string `json:"tool"`
	Destructive *bool  `json:"destructive,omitempty"`
	ReadOnly    *bool  `json:"read_only,omitempty"`
	OpenWorld   *bool  `json:"open_world,omitempty"`
	// Changed: the server announced another definition of the tool since it was offered.
	Changed bool `json:"changed,omitempty"`
	// Mode is what the configuration says about the tool; empty is ToolAuto.
	Mode ToolMode `json:"approval_mode,omitempty"`
}

// Permissions is a request for more rights: by request_permissions, or by a command for its own run.
type Permissions struct {
	// Held: everything asked for is already granted.
	Held bool `json:"held,omitempty"`
	// ExceedsManaged: requirements of the administrator, or protected and hidden paths, do not permit it; nobody may
	// approve it. Beyond says what it is.
	ExceedsManaged bool     `json:"exceeds_managed,omitempty"`
	Beyond         []string `json:"beyond,omitempty"`
}

// Decision is the answer. It is a value: recorded with its Facts, it can be made again.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	Source  Source  `json:"source"`
	Reason  Reason  `json:"reason"`
	// Rule names what decided, e.g. "prefix_rule git push (team.rules:4)".
	Rule string `json:"rule,omitempty"`
	// BypassSandbox: the action runs without the sandbox; on a prompt, once it is approved.
	BypassSandbox bool `json:"bypass_sandbox,omitempty"`
	// Category is set on a prompt, and on a forbid that would have been one.
	Category Category `json:"category,omitempty"`
	// OneShot: an approval counts for this call only, may not be cached and not be turned into a rule.
	OneShot bool `json:"one_shot,omitempty"`
	// Text is for the model: what happened and what it can do instead. Empty on allow.
	Text string `json:"text,omitempty"`
}
