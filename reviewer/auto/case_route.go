package auto

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"proctor/policy"
	"proctor/policy/command"
	"proctor/policy/egress"
	"proctor/policy/execrules"
)

// caseConfig is the configuration of a review case.
type caseConfig struct {
	Approval     policy.ApprovalPolicy `json:"approval_policy"`
	Reviewer     string                `json:"approvals_reviewer"`
	Sandbox      policy.SandboxMode    `json:"sandbox_mode"`
	Headless     bool                  `json:"headless"`
	Model        string                `json:"model"`
	Rules        []caseRule            `json:"rules"`
	Hooks        map[string]string     `json:"hooks"`
	Requirements struct {
		AutoReview struct {
			RequiredOnModels []string `json:"required_on_models"`
		} `json:"auto_review"`
		AllowedReviewers []string        `json:"allowed_approvals_reviewers"`
		Network          *egress.Managed `json:"experimental_network"`
	} `json:"requirements"`
}

type caseRule struct {
	Pattern       json.RawMessage `json:"pattern"`
	Decision      string          `json:"decision"`
	Justification string          `json:"justification"`
}

// caseAction is the action of a review case, all kinds together.
type caseAction struct {
	Kind               string          `json:"kind"`
	Command            []string        `json:"command"`
	Cwd                string          `json:"cwd"`
	SandboxPermissions string          `json:"sandbox_permissions"`
	Justification      string          `json:"justification"`
	TTY                bool            `json:"tty"`
	Server             string          `json:"server"`
	ToolName           string          `json:"tool_name"`
	Arguments          json.RawMessage `json:"arguments"`
	Annotations        struct {
		Destructive *bool `json:"destructiveHint"`
		ReadOnly    *bool `json:"readOnlyHint"`
		OpenWorld   *bool `json:"openWorldHint"`
	} `json:"annotations"`
	Host        string          `json:"host"`
	Port        int             `json:"port"`
	Protocol    string          `json:"protocol"`
	Files       []string        `json:"files"`
	Patch       string          `json:"patch"`
	Stdin       string          `json:"stdin"`
	Permissions json.RawMessage `json:"permissions"`
	Reason      string          `json:"reason"`
}

// casePath says whether the reviewer is asked, and else what happens.
type casePath struct {
	review  bool
	reason  string
	mayRun  bool
	message string
}

// route finds the way of an action to the reviewer: hooks, then policy.Decide.
func (c caseLine) route() (casePath, error) {
	if path, done := c.hook(); done {
		return path, nil
	}
	facts, err := c.facts()
	if err != nil {
		return casePath{}, err
	}
	d := policy.Decide(facts)
	switch d.Outcome {
	case policy.Prompt:
		if facts.Reviewer == policy.ReviewerAuto {
			return casePath{review: true}, nil
		}
		return casePath{reason: "reviewer_user", message: "ask_user"}, nil
	case policy.Allow:
		return casePath{reason: reasonWord(d.Reason), mayRun: true, message: "none"}, nil
	case policy.Forbid: // said below
	}
	message, ok := refusalMessage[d.Reason]
	if !ok {
		message = "policy_refusal"
	}
	return casePath{reason: reasonWord(d.Reason), message: message}, nil
}

// hook: PreToolUse may block, PermissionRequest may answer; both come before any approval logic.
func (c caseLine) hook() (casePath, bool) {
	if answer := c.Config.Hooks["PreToolUse"]; strings.HasPrefix(answer, "block") || strings.HasPrefix(answer, "deny") {
		return casePath{reason: "hook_block", message: "hook_message"}, true
	}
	switch answer := c.Config.Hooks["PermissionRequest"]; {
	case strings.HasPrefix(answer, "allow"):
		return casePath{reason: "hook_allow", mayRun: true, message: "none"}, true
	case strings.HasPrefix(answer, "deny"):
		return casePath{reason: "hook_deny", message: "hook_message"}, true
	}
	return casePath{}, false
}

// reviewer resolves who is asked; managed requirements can only make review mandatory.
func (c caseConfig) reviewer() (policy.Reviewer, error) {
	r := policy.ReviewerUser
	switch c.Reviewer {
	case "", string(policy.ReviewerUser):
	case string(policy.ReviewerAuto), "guardian_subagent":
		r = policy.ReviewerAuto
	default:
		return "", fmt.Errorf("approvals_reviewer %q; expected user, auto_review or guardian_subagent", c.Reviewer)
	}
	allowed := c.Requirements.AllowedReviewers
	if slices.Contains(c.Requirements.AutoReview.RequiredOnModels, c.Model) || allowed != nil && !slices.Contains(allowed, "user") {
		r = policy.ReviewerAuto
	}
	return r, nil
}

func (c caseLine) facts() (policy.Facts, error) {
	who, err := c.Config.reviewer()
	if err != nil {
		return policy.Facts{}, err
	}
	f := policy.Facts{Approval: c.Config.Approval, Sandbox: c.Config.Sandbox, Headless: c.Config.Headless, Reviewer: who}
	a := c.Action
	switch a.Kind {
	case "command", "execve":
		f.Action, f.Escalation, f.Justified = policy.ActionExec, a.SandboxPermissions == "require_escalated", a.Justification != ""
		rules, err := c.Config.rules()
		if err != nil {
			return f, err
		}
		parsed := rules.Apply(command.Parse(a.Command), execrules.Options{})
		f.Parts, f.Inner = parsed.Parts, parsed.Inner
	case "write_stdin":
		f.Action, f.Stdin = policy.ActionStdin, &policy.Stdin{Known: true, Unconfined: true}
	case "patch":
		f.Action, f.Writes = policy.ActionPatch, writes(a)
	case "mcp":
		f.Action = policy.ActionMCP
		f.MCP = &policy.MCP{Server: a.Server, Tool: a.ToolName, Destructive: a.Annotations.Destructive, ReadOnly: a.Annotations.ReadOnly, OpenWorld: a.Annotations.OpenWorld}
	case "network":
		f.Action, f.Network = policy.ActionNetwork, c.network()
	case "request_permissions":
		f.Action, f.Permissions = policy.ActionPermissions, &policy.Permissions{}
	default:
		return f, fmt.Errorf("action kind %q; expected command, execve, write_stdin, patch, mcp, network or request_permissions", a.Kind)
	}
	return f, nil
}

// rules writes the rules of the case as a rules file.
func (c caseConfig) rules() (*execrules.Rules, error) {
	var text strings.Builder
	for _, r := range c.Rules {
		justification, err := json.Marshal(r.Justification)
		if err != nil {
			return nil, errors.New("rule justification has no JSON form")
		}
		fmt.Fprintf(&text, "prefix_rule(pattern=%s, decision=%q", r.Pattern, r.Decision)
		if r.Justification != "" {
			fmt.Fprintf(&text, ", justification=%s", justification)
		}
		text.WriteString(")\n")
	}
	return execrules.Parse([]execrules.File{{Name: "case.rules", Text: text.String()}})
}

func writes(a caseAction) *policy.Writes {
	w := &policy.Writes{}
	for _, file := range a.Files {
		if rel, err := filepath.Rel(a.Cwd, file); err == nil && filepath.IsLocal(rel) {
			w.Inside = append(w.Inside, file)
		} else {
			w.Outside = append(w.Outside, file)
		}
	}
	return w
}

// network judges the host. Without managed networking an unlisted host is refused and not reviewed.
func (c caseLine) network() *policy.Network {
	managed := c.Config.Requirements.Network
	config := egress.Config{Enabled: true, Managed: managed}
	protocol := egress.HTTP
	if c.Action.Protocol == "https" {
		protocol = egress.HTTPSConnect
	}
	port := uint16(max(0, min(c.Action.Port, 65535)))
	anywhere := func(string) ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("93.184.215.14")}, nil }
	d := egress.Decide(config, egress.Request{Host: c.Action.Host, Port: port, Protocol: protocol}, anywhere)
	return &policy.Network{
		Host: c.Action.Host, Port: port, Protocol: c.Action.Protocol, Enabled: true,
		Outcome: d.Outcome, Reason: d.Reason, Rule: d.Rule, Askable: managed != nil && d.Askable,
	}
}

// caseReasons are the words of the case files for reason codes of policy.
var caseReasons = map[policy.Reason]string{
	policy.ReasonRuleForbid: "rule_forbidden", policy.ReasonRuleAllow: "rule_allow",
	policy.ReasonNetworkAllowed: "domain_allowed", policy.ReasonDenied: "domain_denied",
	policy.ReasonNeverAsk: "policy_never", policy.ReasonEscalationRefused: "policy_never", policy.ReasonCategoryOff: "granular_off",
	policy.ReasonFullAccess: "full_access",
}

// knownReasons are the words that are compared; a case that uses others is judged by its other fields.
var knownReasons = func() map[string]bool {
	known := map[string]bool{"hook_block": true, "hook_allow": true, "hook_deny": true}
	for _, word := range caseReasons {
		known[word] = true
	}
	return known
}()

func reasonWord(r policy.Reason) string {
	if word, ok := caseReasons[r]; ok {
		return word
	}
	return string(r)
}

var refusalMessage = map[policy.Reason]string{
	policy.ReasonRuleForbid: "rule_justification", policy.ReasonNeverAsk: "policy_never",
	policy.ReasonEscalationRefused: "policy_never", policy.ReasonCategoryOff: "category_off", policy.ReasonDenied: "domain_denied",
}
