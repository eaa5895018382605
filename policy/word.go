package policy

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Outcome is what a decision says.
type Outcome string

// The outcomes, loosest first.
const (
	Allow  Outcome = "allow"
	Prompt Outcome = "prompt"
	Forbid Outcome = "forbid"
)

var outcomeOrder = [...]Outcome{Allow, Prompt, Forbid}

// Strictness orders outcomes: allow 0, prompt 1, forbid 2; an unknown word counts as forbid.
func (o Outcome) Strictness() int {
	if i := slices.Index(outcomeOrder[:], o); i >= 0 {
		return i
	}
	return len(outcomeOrder) - 1
}

// Strictest returns the stricter of two outcomes.
func Strictest(a, b Outcome) Outcome {
	if b.Strictness() > a.Strictness() {
		return b
	}
	return a
}

// Source names the authority behind a decision.
type Source string

// The sources. Config is the approval matrix with the configured policy; Session is an earlier answer of a person
// that was given for the whole session.
const (
	SourceConfig     Source = "config"
	SourceRule       Source = "rule"
	SourceUser       Source = "user"
	SourceSession    Source = "session"
	SourceHook       Source = "hook"
	SourceAutoReview Source = "auto_review"
	SourceManaged    Source = "managed"
)

// Class says what a command is known to be.
type Class string

// The classes, most harmless first. The words are those of the case files.
const (
	Safe      Class = "safe"
	Ordinary  Class = "needs-approval"
	Dangerous Class = "dangerous"
)

var classOrder = [...]Class{Safe, Ordinary, Dangerous}

// Severity orders classes: safe 0, ordinary 1, dangerous 2; an unknown word counts as dangerous.
func (c Class) Severity() int {
	if i := slices.Index(classOrder[:], c); i >= 0 {
		return i
	}
	return len(classOrder) - 1
}

// WorstClass returns the more severe of two classes.
func WorstClass(a, b Class) Class {
	if b.Severity() > a.Severity() {
		return b
	}
	return a
}

// SandboxMode is the documented confinement word.
type SandboxMode string

// The modes. External means that something outside already confines the process, so none is added.
const (
	ReadOnly         SandboxMode = "read-only"
	WorkspaceWrite   SandboxMode = "workspace-write"
	DangerFullAccess SandboxMode = "danger-full-access"
	ExternalSandbox  SandboxMode = "external-sandbox"
)

// Known reports whether the word is one of the modes.
func (m SandboxMode) Known() bool {
	return m == ReadOnly || m == WorkspaceWrite || m.Unconfined()
}

// Unconfined reports whether commands run without a sandbox of ours.
func (m SandboxMode) Unconfined() bool { return m == DangerFullAccess || m == ExternalSandbox }

// ApprovalMode is the word of an approval policy.
type ApprovalMode string

// The approval words. OnFailure is deprecated and decides as OnRequest.
const (
	Untrusted ApprovalMode = "untrusted"
	OnFailure ApprovalMode = "on-failure"
	OnRequest ApprovalMode = "on-request"
	Never     ApprovalMode = "never"
	Granular  ApprovalMode = "granular"
)

// Categories says which kinds of prompt a granular policy keeps; one that is off is refused instead of asked.
type Categories struct {
	SandboxApproval    bool `json:"sandbox_approval"`
	Rules              bool `json:"rules"`
	MCPElicitations    bool `json:"mcp_elicitations"`
	RequestPermissions bool `json:"request_permissions"`
	SkillApproval      bool `json:"skill_approval"`
}

// ApprovalPolicy is an approval word, with the categories when the word is Granular. The zero value is no policy
// and forbids everything. In JSON it is the word, or {"granular":{...}}.
type ApprovalPolicy struct {
	Mode       ApprovalMode
	Categories Categories
}

// Known reports whether the word is one of the approval modes.
func (p ApprovalPolicy) Known() bool {
	switch p.Mode {
	case Untrusted, OnFailure, OnRequest, Never, Granular:
		return true
	}
	return false
}

type granularJSON struct {
	Granular *Categories `json:"granular"`
}

// MarshalJSON writes the configuration form.
func (p ApprovalPolicy) MarshalJSON() ([]byte, error) {
	if p.Mode == Granular {
		return json.Marshal(granularJSON{&p.Categories})
	}
	return json.Marshal(string(p.Mode))
}

// UnmarshalJSON reads the configuration form; an unknown word is an error.
func (p *ApprovalPolicy) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		*p = ApprovalPolicy{Mode: ApprovalMode(word)}
		if word != "" && (!p.Known() || p.Mode == Granular) {
			return fmt.Errorf("read approval policy %q: expected untrusted, on-failure, on-request, never or a granular table", word)
		}
		return nil
	}
	var g granularJSON
	if err := json.Unmarshal(b, &g); err != nil || g.Granular == nil {
		return fmt.Errorf("read approval policy: expected a word or {\"granular\":{...}}")
	}
	*p = ApprovalPolicy{Mode: Granular, Categories: *g.Granular}
	return nil
}

// Category is the kind of prompt that a granular policy can switch off.
type Category string

// The five granular categories.
const (
	CategorySandbox     Category = "sandbox_approval"
	CategoryRules       Category = "rules"
	CategoryMCP         Category = "mcp_elicitations"
	CategoryPermissions Category = "request_permissions"
	CategorySkill       Category = "skill_approval"
)

// Keeps reports whether prompts of category c may be asked.
func (g Categories) Keeps(c Category) bool {
	switch c {
	case CategorySandbox:
		return g.SandboxApproval
	case CategoryRules:
		return g.Rules
	case CategoryMCP:
		return g.MCPElicitations
	case CategoryPermissions:
		return g.RequestPermissions
	case CategorySkill:
		return g.SkillApproval
	}
	return false
}

// ToolMode is the configured approval mode of an MCP tool.
type ToolMode string

// The modes: the hints decide, every call asks, or no call asks but a destructive one. An unknown word counts as ToolPrompt.
const (
	ToolAuto    ToolMode = "auto"
	ToolPrompt  ToolMode = "prompt"
	ToolApprove ToolMode = "approve"
)

// with returns the categories with c kept.
func (g Categories) with(c Category) Categories {
	switch c {
	case CategorySandbox:
		g.SandboxApproval = true
	case CategoryRules:
		g.Rules = true
	case CategoryMCP:
		g.MCPElicitations = true
	case CategoryPermissions:
		g.RequestPermissions = true
	case CategorySkill:
		g.SkillApproval = true
	}
	return g
}

// Reviewer says who answers prompts.
type Reviewer string

// The reviewers. The empty word is ReviewerUser.
const (
	ReviewerUser Reviewer = "user"
	ReviewerAuto Reviewer = "auto_review"
)
