package config

import (
	"fmt"
	"strings"
)

// requirementsSchema is requirements.toml (config reference, section 2).
func requirementsSchema() *spec {
	f := map[string]*spec{
		"allowed_approval_policies":   nonEmpty(list(approvalSpec())),
		"allowed_approvals_reviewers": nonEmpty(list(reviewerSpec())),
		"allowed_sandbox_modes":       sandboxListSpec(),
		"remote_sandbox_config": list(table(map[string]*spec{
			"hostname_patterns": list(text()), "allowed_sandbox_modes": sandboxListSpec()})),
		"allowed_permission_profiles": mapOf(boolean()),
		"allowed_permissions":         list(text()),
		"default_permissions":         text(),
		"permissions":                 managedPermissionsSpec(),
		"allowed_web_search_modes":    list(words(webSearchWords...)),
		"guardian_policy_config":      text(),
		"guardian_extra_policy":       text(),
		"auto_review":                 table(map[string]*spec{"required_on_models": list(text()), "ignore_rules": list(text())}),
		"rules":                       table(map[string]*spec{"prefix_rules": list(prefixRuleSpec())}),
		"experimental_network":        networkRequirementsSpec(),
		"mcp_servers": mapOf(&spec{kind: tableValue, ignore: true, fields: map[string]*spec{
			"identity": closed(table(map[string]*spec{"command": text(), "url": text()}))}}),
		"hooks":                       anything(),
		"allow_managed_hooks_only":    boolean(),
		"features":                    mapOf(boolean()),
		"feature_requirements":        mapOf(boolean()),
		"shell_environment_policy":    shellSpec(),
		"otel":                        otelSpec(),
		"allow_login_shell":           boolean(),
		"check_for_update_on_startup": boolean(),
		"model_provider":              text(),
		"model_providers":             mapOf(providerSpec()),
	}
	for _, k := range unusedRequirements {
		f[k] = unused()
	}
	return table(f)
}

// unusedRequirements constrain parts of Codex that proctor does not have.
var unusedRequirements = strings.Fields(`plugins marketplaces apps allow_remote_control log_dir sqlite_home
	model_catalog_json feedback allowed_login_methods allowed_chatgpt_workspaces cli_auth_credentials_store
	chatgpt_base_url models enforce_residency additional_developer_instructions computer_use browser_use
	in_app_browser allow_appshots allow_browser_and_computer_use application windows config_server
	unsafe_enforce_sqlite_journal_mode`)

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
		"pattern": nonEmpty(list(token)), "justification": text(), "canonical_matching": boolean(),
		"decision": {kind: stringValue, check: func(n *node) (string, string) {
			switch n.val {
			case "prompt", "prompt-user", "forbidden":
				return "", ""
			case "allow":
				return `decision "allow" in a requirement rule`, "prompt, prompt-user or forbidden; requirements can only restrict"
			}
			return fmt.Sprintf("unknown decision %s", shown(n.val.(string))), "prompt, prompt-user or forbidden"
		}},
	}, check: func(n *node) (string, string) {
		for _, k := range []string{"pattern", "decision"} {
			if n.find(k) == nil {
				return "a rule without " + k, "pattern and decision"
			}
		}
		return "", ""
	}}
}

func networkRequirementsSpec() *spec {
	port := within(0, 65535)
	return &spec{kind: tableValue, fields: map[string]*spec{
		"enabled": boolean(), "http_port": port, "socks_port": port, "domains": domainsSpec(),
		"review_domains": list(text()), "managed_allowed_domains_only": boolean(),
		"allowed_domains": list(text()), "denied_domains": list(text()),
		"unix_sockets": managedSocketsSpec(), "allow_unix_sockets": list(text()),
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
