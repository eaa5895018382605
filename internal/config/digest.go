package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Digest is the lower-case SHA-256 of everything that decides what an agent may
// do, in canonical JSON: equal digests mean equal policy. Models, telemetry and
// secrets are not part of it.
func (c *Config) Digest() string {
	facts := map[string]any{
		"version":                  1,
		"approval_policy":          c.ApprovalPolicy,
		"approvals_reviewer":       c.ApprovalsReviewer,
		"auto_review":              c.AutoReview,
		"review_thresholds":        c.Proctor.Review.ReviewThresholds,
		"sandbox_mode":             c.SandboxMode,
		"sandbox_workspace_write":  c.SandboxWorkspaceWrite,
		"permission_profile":       c.PermissionProfile,
		"permissions":              c.Permissions,
		"deny_read":                c.DenyRead,
		"web_search":               c.WebSearch,
		"allow_login_shell":        c.AllowLoginShell,
		"shell_environment_policy": c.ShellEnvironmentPolicy,
		"features":                 c.Features,
		"network_proxy":            c.NetworkProxy,
		"trust":                    c.Trust,
		"rules":                    rulesWithoutPlace(c.Requirements.Rules),
		"managed_network":          c.Requirements.Network,
		"managed_network_present":  c.Requirements.Network.Present,
		"managed_hooks_only":       c.Requirements.AllowManagedHooksOnly,
		"hooks":                    c.Hooks,
		"hook_states":              c.HookStates,
		"hook_trust_bypassed":      c.BypassHookTrust,
		"hooks_on_failure":         c.Proctor.Hooks.OnFailure,
		"mcp_servers":              serverPolicies(c.MCPServers),
		"sandbox_backend":          c.Proctor.Sandbox.Backend,
		"network":                  c.Proctor.Network,
	}
	b, err := json.Marshal(facts) // keys sorted; every value came through JSON before
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func rulesWithoutPlace(rules []PrefixRule) []PrefixRule {
	out := make([]PrefixRule, len(rules))
	for i, r := range rules {
		r.Origin = Origin{}
		out[i] = r
	}
	return out
}

func serverPolicies(servers map[string]MCPServer) map[string]any {
	out := map[string]any{}
	for name, s := range servers {
		out[name] = map[string]any{"command": s.Command, "args": s.Args, "url": s.URL, "enabled": s.IsEnabled(),
			"enabled_tools": s.EnabledTools, "disabled_tools": s.DisabledTools, "approval": s.DefaultApproval, "tools": s.Tools}
	}
	return out
}
