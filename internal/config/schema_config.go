package config

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
)

// The plainest specs are one each for all keys: nobody may change them.
var (
	plainText    = spec{kind: stringValue}
	plainBoolean = spec{kind: boolValue}
	plainAny     = spec{kind: anyValue}
	plainUnused  = spec{kind: anyValue, inert: true}
	plainNumber  = spec{kind: numberValue, what: "a number"}
)

// Shorthands for the schema tables.
func text() *spec                    { return &plainText }
func boolean() *spec                 { return &plainBoolean }
func anything() *spec                { return &plainAny }
func unused() *spec                  { return &plainUnused }
func number() *spec                  { return &plainNumber }
func words(w ...string) *spec        { return &spec{kind: stringValue, words: w} }
func list(e *spec) *spec             { return &spec{kind: arrayValue, elem: e} }
func mapOf(e *spec) *spec            { return &spec{kind: mapValue, elem: e} }
func union(a ...*spec) *spec         { return &spec{kind: unionValue, alts: a} }
func within(lo, hi int64) *spec      { return &spec{kind: intValue, min: lo, max: hi} }
func count() *spec                   { return within(0, 1<<53) }
func table(f map[string]*spec) *spec { return &spec{kind: tableValue, fields: f} }
func closed(s *spec) *spec           { s.closed = true; return s }

func reviewerSpec() *spec {
	return &spec{kind: stringValue, words: []string{string(UserReviewer), string(AutoReviewer), "guardian_subagent"},
		aliases: map[string]string{"guardian_subagent": string(AutoReviewer)}}
}

// configSchema is config.toml, its profiles and project files (config reference,
// section 3). Keys that proctor does not act on are listed so that a file shared
// with Codex loads without complaint.
var configSchema = sync.OnceValue(func() *spec {
	profile := profileFields()
	f := maps.Clone(profile)
	f["profiles"] = mapOf(table(profile))
	f["profile"] = &spec{kind: stringValue, check: func(n *node) (string, string) {
		return "a default profile cannot be set in a file", fmt.Sprintf("the flag --profile %v on the command line", n.val)
	}}
	for k := range strings.FieldsSeq(unusedKeys) {
		if _, ok := f[k]; !ok {
			f[k] = unused()
		}
	}
	return table(f)
})

func profileFields() map[string]*spec {
	return map[string]*spec{
		"model":                          text(),
		"review_model":                   {kind: stringValue, inert: true},
		"auto_review_model":              text(),
		"model_provider":                 text(),
		"model_providers":                mapOf(providerSpec()),
		"model_reasoning_effort":         text(),
		"model_reasoning_summary":        words("auto", "concise", "detailed", "none"),
		"model_verbosity":                words("low", "medium", "high"),
		"model_context_window":           count(),
		"developer_instructions":         text(),
		"openai_base_url":                text(),
		"approval_policy":                approvalSpec(),
		"approvals_reviewer":             reviewerSpec(),
		"auto_review":                    table(map[string]*spec{"policy": text()}),
		"sandbox_mode":                   words(string(ReadOnly), string(WorkspaceWrite), string(DangerFullAccess)),
		"sandbox_workspace_write":        workspaceWriteSpec(),
		"default_permissions":            text(),
		"permissions":                    mapOf(permissionsSpec()),
		"web_search":                     words(webSearchWords...),
		"allow_login_shell":              boolean(),
		"shell_environment_policy":       shellSpec(),
		"history":                        table(map[string]*spec{"persistence": words("save-all", "none"), "max_bytes": count()}),
		"features":                       featuresSpec(),
		"projects":                       mapOf(&spec{kind: tableValue, ignore: true, fields: map[string]*spec{"trust_level": words(string(Trusted), string(Untrusted))}}),
		"project_root_markers":           list(text()),
		"project_doc_max_bytes":          count(),
		"project_doc_fallback_filenames": list(text()),
		"tool_output_token_limit":        count(),
		"otel":                           otelSpec(),
		"notify":                         list(text()),
		"hooks":                          anything(),
		"mcp_servers":                    mapOf(mcpSpec()),
		"check_for_update_on_startup":    boolean(),
		"windows":                        windowsSpec(),
		"forced_login_method":            words("chatgpt", "api"),
		"analytics":                      &spec{kind: tableValue, ignore: true, fields: map[string]*spec{"enabled": boolean()}},
	}
}

var webSearchWords = []string{string(WebSearchDisabled), string(WebSearchCached), string(WebSearchIndexed), string(WebSearchLive)}

// unusedKeys are keys of Codex that change nothing here.
const unusedKeys = `agents allow_remote_control apps apps_mcp_product_sku audio
	background_terminal_max_timeout chatgpt_base_url cli_auth_credentials_store commit_attribution compact_prompt
	default_tools_approval_mode desktop disable_paste_burst disable_response_storage
	experimental_compact_prompt_file experimental_instructions_file
	experimental_realtime_start_instructions experimental_realtime_ws_backend_prompt
	experimental_realtime_ws_base_url experimental_realtime_ws_model experimental_realtime_webrtc_call_base_url
	experimental_thread_config_endpoint experimental_thread_store experimental_use_freeform_apply_patch
	experimental_use_unified_exec_tool feedback file_opener forced_chatgpt_workspace_id
	ghost_snapshot hide_agent_reasoning include_apps_instructions include_environment_context
	include_permissions_instructions instructions js_repl_node_module_dirs js_repl_node_path log_dir marketplaces
	mcp_oauth_callback_port mcp_oauth_callback_url mcp_oauth_credentials_store memories
	model_auto_compact_token_limit model_catalog_json model_instructions_file model_max_output_tokens
	model_supports_reasoning_summaries notice oss_provider otlp personality plan_mode_reasoning_effort plugins
	realtime sandbox_permissions service_tier show_raw_agent_reasoning skills sqlite_home
	suppress_unstable_features_warning terminal tool_suggest tools tui windows_wsl_setup_acknowledged
	zsh_path`

// windowsSpec is for another system; its documented words are checked all the same.
func windowsSpec() *spec {
	return &spec{kind: tableValue, ignore: true, inert: true, fields: map[string]*spec{
		"sandbox": words("elevated", "unelevated"), "sandbox_private_desktop": boolean()}}
}

func providerSpec() *spec {
	return table(map[string]*spec{
		"name": text(), "base_url": text(), "env_key": text(), "env_key_instructions": text(),
		"experimental_bearer_token": text(), "wire_api": words("responses"),
		"query_params": mapOf(text()), "http_headers": mapOf(text()), "env_http_headers": mapOf(text()),
		"request_max_retries": within(0, 100), "stream_max_retries": within(0, 100),
		"stream_idle_timeout_ms": count(), "websocket_connect_timeout_ms": count(),
		"requires_openai_auth": boolean(), "supports_websockets": boolean(), "auth": anything(), "aws": anything(),
	})
}

func approvalSpec() *spec {
	g := map[string]*spec{"request_permissions": boolean(), "skill_approval": boolean()}
	for _, k := range granularRequired {
		g[k] = boolean()
	}
	// Unknown granular keys are ignored, as the CLI does.
	granular := &spec{kind: tableValue, fields: g, ignore: true}
	return union(
		words(string(ApprovalUntrusted), string(ApprovalOnRequest), string(ApprovalNever), string(ApprovalOnFailure)),
		&spec{kind: tableValue, closed: true, fields: map[string]*spec{"granular": granular}, what: "a table { granular = { … } }"},
	)
}

// missingGranular names the required categories a granular policy leaves open.
func missingGranular(n *node) []string {
	g := n.find("granular")
	var missing []string
	for _, k := range granularRequired {
		if g.find(k) == nil {
			missing = append(missing, k)
		}
	}
	return missing
}

func workspaceWriteSpec() *spec {
	return table(map[string]*spec{
		"writable_roots": list(pathText()), "network_access": boolean(),
		"exclude_slash_tmp": boolean(), "exclude_tmpdir_env_var": boolean(),
	})
}

func pathText() *spec {
	return &spec{kind: stringValue, what: "an absolute path", check: func(n *node) (string, string) {
		s := n.val.(string)
		if strings.HasPrefix(s, "/") || s == "~" || strings.HasPrefix(s, "~/") {
			return "", ""
		}
		return "got " + shown(s), "an absolute path or one that begins with ~/"
	}}
}

// absoluteText is for administrators, who cannot mean one user's home.
func absoluteText() *spec {
	return &spec{kind: stringValue, what: "an absolute path", check: func(n *node) (string, string) {
		if s := n.val.(string); !strings.HasPrefix(s, "/") {
			return "got " + shown(s), "an absolute path or glob"
		}
		return "", ""
	}}
}

func shellSpec() *spec {
	return table(map[string]*spec{
		"inherit": words("all", "core", "none"), "ignore_default_excludes": boolean(),
		"exclude": list(text()), "set": mapOf(text()), "include_only": list(text()),
		"experimental_use_profile": boolean(),
	})
}

func featuresSpec() *spec {
	return &spec{kind: tableValue, rest: union(boolean(), mapOf(anything())),
		fields: map[string]*spec{"network_proxy": union(boolean(), networkProxySpec())}}
}

// networkProxySpec is [features.network_proxy]; its unknown keys are refused.
func networkProxySpec() *spec { return closed(table(networkProxyFields())) }

func networkProxyFields() map[string]*spec {
	return map[string]*spec{
		"enabled": boolean(), "proxy_url": text(), "socks_url": text(), "mode": words("full", "limited"),
		"enable_socks5": boolean(), "enable_socks5_udp": boolean(), "allow_upstream_proxy": boolean(),
		"allow_local_binding": boolean(), "dangerously_allow_non_loopback_proxy": boolean(),
		"dangerously_allow_all_unix_sockets": boolean(), "domains": domainsSpec(), "unix_sockets": socketsSpec(),
		"mitm": anything(), "mitm_hooks": anything(), "credential_broker": anything(),
	}
}

func domainsSpec() *spec {
	s := mapOf(words("allow", "deny"))
	s.check = func(n *node) (string, string) {
		for k, v := range n.kids {
			if strings.TrimSpace(k) == "*" && v.val == "deny" {
				return `global wildcard "*" with "deny"`, `"*" only with "allow"; what is not allowed is denied anyway`
			}
		}
		return "", ""
	}
	s.keys = func(k string) (string, string) {
		switch k = strings.TrimSpace(k); k {
		case "":
			return "empty domain pattern", "a host, *.host, **.host or *"
		case "**":
			return `domain pattern "**"`, `"*" for every host, or **.host`
		}
		return "", ""
	}
	return s
}

func socketsSpec() *spec {
	s := mapOf(words("allow", "deny"))
	s.keys = func(k string) (string, string) {
		if strings.HasPrefix(k, "/") {
			return "", ""
		}
		return "relative socket path " + shown(k), "an absolute path"
	}
	return s
}

func otelSpec() *spec {
	exporter := exporterSpec()
	return table(map[string]*spec{
		"environment": text(), "compat": words("codex", "typed"), "gen_ai": boolean(), "exporter": exporter, "trace_exporter": exporter, "metrics_exporter": exporter,
		"log_user_prompt": boolean(), "log_agent_responses": boolean(), "log_guardian_assessments": boolean(),
		"log_sse_deltas": boolean(), "tool_result": table(map[string]*spec{"max_bytes": within(0, maxFileBytes)}),
		"span_attributes": &spec{kind: mapValue, elem: text(), keys: func(k string) (string, string) {
			if k == "" {
				return "empty attribute name", "a name"
			}
			return "", ""
		}},
		"tracestate": tracestateSpec(),
	})
}

// tracestateSpec holds members to what W3C Trace Context lets travel in a header.
func tracestateSpec() *spec {
	const want = "lower-case letters, digits, _ - * / @, a letter first"
	word := func(k string) (string, string) {
		if !traceKey.MatchString(k) {
			return "name " + shown(k), want
		}
		return "", ""
	}
	value := &spec{kind: stringValue, check: func(n *node) (string, string) {
		if v := n.val.(string); !traceValue.MatchString(v) {
			return "got " + shown(v), "up to 256 printable characters without comma, equals sign and semicolon"
		}
		return "", ""
	}}
	fields := mapOf(value)
	fields.keys = word
	members := mapOf(fields)
	members.keys = word
	return members
}

var (
	traceKey   = regexp.MustCompile(`^[a-z][a-z0-9_*/@-]{0,255}$`)
	traceValue = regexp.MustCompile(`^[!-+\--:<>-~][ -+\--:<>-~]{0,255}$`)
)

func exporterSpec() *spec {
	fields := func() map[string]*spec {
		return map[string]*spec{
			"endpoint": text(), "headers": mapOf(text()), "compression": words("none", "gzip"),
			"tls": {kind: tableValue, check: bothClientFiles, fields: map[string]*spec{
				"ca-certificate": text(), "client-certificate": text(), "client-private-key": text()}},
		}
	}
	withHTTP := fields()
	withHTTP["protocol"] = words("binary", "json")
	kinds := []string{string(ExporterOTLPHTTP), string(ExporterOTLPGRPC)}
	return union(
		words(string(ExporterNone), string(ExporterStatsig)),
		&spec{kind: tableValue, closed: true, what: "a table with one of " + quoteAll(kinds), check: oneKind,
			fields: map[string]*spec{kinds[0]: table(withHTTP), kinds[1]: table(fields())}},
	)
}

func oneKind(n *node) (string, string) {
	if keys := len(n.kids); keys != 1 {
		return fmt.Sprintf("%d exporters in one table", keys), "exactly one of otlp-http and otlp-grpc"
	}
	return "", ""
}

func bothClientFiles(n *node) (string, string) {
	if (n.text("client-certificate") == "") != (n.text("client-private-key") == "") {
		return "one of client-certificate and client-private-key", "both or neither"
	}
	return "", ""
}

func mcpSpec() *spec {
	return &spec{kind: tableValue, ignore: true, fields: map[string]*spec{
		"command": text(), "args": list(text()), "env": mapOf(text()), "cwd": text(), "url": text(),
		"env_vars":             list(anything()),
		"bearer_token_env_var": text(), "http_headers": mapOf(text()), "env_http_headers": mapOf(text()),
		"enabled": boolean(), "required": boolean(), "enabled_tools": list(text()), "disabled_tools": list(text()),
		"startup_timeout_sec": number(), "tool_timeout_sec": number(),
		"default_tools_approval_mode": text(),
		"tools":                       mapOf(&spec{kind: tableValue, ignore: true, fields: map[string]*spec{"approval_mode": text()}}),
	}, check: func(n *node) (string, string) {
		if n.text("command") != "" && n.text("url") != "" {
			return "both command and url", "one of them"
		}
		return "", ""
	}}
}
