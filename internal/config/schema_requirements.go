package config

import (
	"fmt"
	"strings"
	"sync"
)

// requirementsSchema is requirements.toml (config reference, section 2).
var requirementsSchema = sync.OnceValue(func() *spec {
	f := map[string]*spec{
		"allowed_approval_policies":   nonEmpty(list(allowedPolicySpec())),
		"allowed_approvals_reviewers": nonEmpty(list(reviewerSpec())),
		"allowed_sandbox_modes":       sandboxListSpec(),
		"remote_sandbox_config":       list(remoteSandboxSpec()),
		"allowed_permission_profiles": mapOf(boolean()),
		"allowed_permissions":         instead("allowed_permission_profiles", list(text())),
		"default_permissions":         text(),
		"permissions":                 managedPermissionsSpec(),
		"allowed_web_search_modes":    list(words(webSearchWords...)),
		"guardian_policy_config":      text(),
		"guardian_extra_policy":       text(),
		"auto_review":                 table(map[string]*spec{"required_on_models": list(text()), "ignore_rules": list(text())}),
		"proctor":                     table(map[string]*spec{"review": table(thresholdSchema())}),
		"rules":                       table(map[string]*spec{"prefix_rules": nonEmpty(list(prefixRuleSpec()))}),
		"experimental_network":        networkRequirementsSpec(),
		"mcp_servers":                 mapOf(identitySpec()),
		"hooks":                       managedHooksSpec(),
		"allow_managed_hooks_only":    boolean(),
		"features":                    mapOf(boolean()),
		"feature_requirements":        mapOf(boolean()),
		"shell_environment_policy":    shellSpec(),
		"otel":                        otelSpec(),
		"allow_login_shell":           boolean(),
		"check_for_update_on_startup": boolean(),
		"model_provider":              text(),
		"model_providers":             mapOf(providerSpec()),
		"allowed_login_methods":       list(words("chatgpt", "api")),
		"enforce_residency":           words("us"),

		"additional_developer_instructions": text(),
	}
	for k, s := range unusedRequirements() {
		own := *s
		own.inert = true
		f[k] = &own
	}
	return &spec{kind: tableValue, fields: f, check: func(n *node) (string, string) {
		if n.find("features") != nil && n.find("feature_requirements") != nil {
			return "features together with its older name feature_requirements", "one of them"
		}
		return "", ""
	}}
})

// unusedRequirements constrain parts of Codex that proctor does not have; a wrong type in them is an error all the same.
func unusedRequirements() map[string]*spec {
	return map[string]*spec{
		"plugins": mapOf(loose(map[string]*spec{"mcp_servers": mapOf(identitySpec())})),
		"marketplaces": loose(map[string]*spec{"restrict_to_allowed_sources": boolean(),
			"allowed_sources": anything()}),
		"apps": mapOf(loose(map[string]*spec{"enabled": boolean(),
			"tools": mapOf(loose(map[string]*spec{"approval_mode": text()}))})),
		"allow_remote_control": boolean(), "log_dir": text(), "sqlite_home": text(), "model_catalog_json": text(),
		"feedback":                   loose(map[string]*spec{"enabled": boolean()}),
		"allowed_chatgpt_workspaces": list(text()),
		"cli_auth_credentials_store": words("file", "keyring", "auto", "ephemeral"),
		"chatgpt_base_url":           text(), "models": loose(map[string]*spec{"new_thread": mapOf(anything())}),
		"computer_use": anything(), "browser_use": anything(), "in_app_browser": anything(), "allow_appshots": anything(),
		"allow_browser_and_computer_use": anything(), "application": anything(), "windows": mapOf(anything()),
		"config_server": anything(), "unsafe_enforce_sqlite_journal_mode": anything(),
	}
}

// instead marks a deprecated key.
func instead(use string, s *spec) *spec { s.use = use; return s }

// loose is a table whose other keys are nobody's business here.
func loose(f map[string]*spec) *spec { return &spec{kind: tableValue, fields: f, ignore: true} }

// allowedPolicySpec reads the deprecated on-failure as what it became.
func allowedPolicySpec() *spec {
	s := approvalSpec()
	s.alts[0].aliases = map[string]string{string(ApprovalOnFailure): string(ApprovalOnRequest)}
	return s
}

func remoteSandboxSpec() *spec {
	return &spec{kind: tableValue, check: needs("hostname_patterns", "allowed_sandbox_modes"), fields: map[string]*spec{
		"hostname_patterns": nonEmpty(list(text())), "allowed_sandbox_modes": sandboxListSpec()}}
}

// needs is a check that every one of keys is there.
func needs(keys ...string) func(n *node) (string, string) {
	return func(n *node) (string, string) {
		for _, k := range keys {
			if n.find(k) == nil {
				return "without " + k, strings.Join(keys, " and ")
			}
		}
		return "", ""
	}
}

// identitySpec says which server a name on the managed list stands for.
func identitySpec() *spec {
	identity := closed(table(map[string]*spec{"command": text(), "url": text()}))
	identity.check = func(n *node) (string, string) {
		if (n.text("command") == "") == (n.text("url") == "") {
			return "without exactly one of command and url", "{ command = … } or { url = … }"
		}
		return "", ""
	}
	return &spec{kind: tableValue, ignore: true, check: needs("identity"), fields: map[string]*spec{"identity": identity}}
}

// managedHooksSpec are the groups of each event, and the folder they may come from.
func managedHooksSpec() *spec {
	return &spec{kind: tableValue, rest: list(mapOf(anything())), fields: map[string]*spec{
		"managed_dir": text(), "windows_managed_dir": text()}}
}

func nonEmpty(s *spec) *spec {
	s.check = func(n *node) (string, string) {
		if len(n.items) == 0 {
			return "the list cannot be empty", "at least one value"
		}
		return "", ""
	}
	return s
}

func sandboxListSpec() *spec {
	s := list(words(string(ReadOnly), string(WorkspaceWrite), string(DangerFullAccess), string(ExternalSandbox)))
	s.check = func(n *node) (string, string) {
		for _, item := range n.items {
			if item.val == string(ReadOnly) {
				return "", ""
			}
		}
		return "the list must include read-only", `"read-only" among the allowed modes`
	}
	return s
}

func managedPermissionsSpec() *spec {
	return &spec{kind: tableValue, rest: permissionsSpec(), fields: map[string]*spec{
		"filesystem": table(map[string]*spec{"deny_read": list(absoluteText())})}}
}

func prefixRuleSpec() *spec {
	token := &spec{kind: tableValue, closed: true, what: "{ token = … } or { any_of = […] }",
		fields: map[string]*spec{"token": text(), "any_of": nonEmpty(list(text()))},
		check: func(n *node) (string, string) {
			if (n.find("token") == nil) == (n.find("any_of") == nil) {
				return "a pattern element without exactly one form", "{ token = … } or { any_of = […] }"
			}
			return "", ""
		}}
	return &spec{kind: tableValue, fields: map[string]*spec{
		"pattern": nonEmpty(list(token)), "justification": notBlank(), "canonical_matching": boolean(),
		"decision": {kind: stringValue, check: func(n *node) (string, string) {
			switch n.val {
			case "prompt", "prompt-user", "forbidden":
				return "", ""
			case "allow":
				return `decision "allow" in a requirement rule`, "prompt, prompt-user or forbidden; requirements can only restrict"
			}
			return fmt.Sprintf("unknown decision %s", shown(n.val.(string))), "prompt, prompt-user or forbidden"
		}},
	}, check: needs("pattern", "decision")}
}

func notBlank() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		if strings.TrimSpace(n.val.(string)) == "" {
			return "blank", "text, or leave it out"
		}
		return "", ""
	}}
}

func networkRequirementsSpec() *spec {
	port := within(0, 65535)
	return &spec{kind: tableValue, fields: map[string]*spec{
		"enabled": boolean(), "http_port": port, "socks_port": port, "domains": domainsSpec(),
		"review_domains": list(text()), "managed_allowed_domains_only": boolean(),
		"allowed_domains": instead("domains", list(text())), "denied_domains": instead("domains", list(text())),
		"unix_sockets": managedSocketsSpec(), "allow_unix_sockets": instead("unix_sockets", list(text())),
		"allow_local_binding": boolean(), "allow_upstream_proxy": boolean(),
		"dangerously_allow_non_loopback_proxy": boolean(), "dangerously_allow_all_unix_sockets": boolean(),
		"header_injections": list(anything()),
	}, check: func(n *node) (string, string) {
		if n.find("domains") != nil && (listed(n, "allowed_domains") || listed(n, "denied_domains")) {
			return "domains together with allowed_domains or denied_domains", "the domains table alone"
		}
		if n.find("unix_sockets") != nil && listed(n, "allow_unix_sockets") {
			return "unix_sockets together with allow_unix_sockets", "the unix_sockets table alone"
		}
		return "", ""
	}}
}

// managedSocketsSpec also reads the older word none.
func managedSocketsSpec() *spec {
	s := socketsSpec()
	s.elem.aliases = map[string]string{"none": "deny"}
	return s
}

// listed reports whether a legacy list says anything; empty counts as unset.
func listed(n *node, key string) bool {
	f := n.find(key)
	return f != nil && len(f.items) > 0
}
