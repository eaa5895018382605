package config

// defaultsText is the weakest layer. What depends on trust, on the command or on
// requirements (approval_policy, sandbox_mode, web_search, approvals_reviewer) is
// settled in constrain.go instead.
const defaultsText = `
model_provider = "openai"
model_reasoning_summary = "auto"
allow_login_shell = true
check_for_update_on_startup = false
project_doc_max_bytes = 32768

[sandbox_workspace_write]
writable_roots = []
network_access = false
exclude_slash_tmp = false
exclude_tmpdir_env_var = false

[shell_environment_policy]
inherit = "all"
ignore_default_excludes = true

[history]
persistence = "save-all"

[features]
guardian_approval = true
hooks = true
request_permissions_tool = false
exec_permission_approvals = false
guardianv2 = false

[features.network_proxy]
enabled = false
proxy_url = "http://127.0.0.1:3128"
socks_url = "http://127.0.0.1:8081"
mode = "full"
enable_socks5 = true
enable_socks5_udp = true
allow_upstream_proxy = true
allow_local_binding = false
dangerously_allow_non_loopback_proxy = false
dangerously_allow_all_unix_sockets = false

[otel]
environment = "dev"
compat = "codex"
gen_ai = false
exporter = "none"
trace_exporter = "none"
metrics_exporter = "none"
log_user_prompt = false
log_agent_responses = false
log_guardian_assessments = false
log_sse_deltas = true
tool_result.max_bytes = 2048

[model_providers.openai]
name = "OpenAI"
base_url = "https://api.openai.com/v1"
env_key = "OPENAI_API_KEY"
supports_websockets = true

[model_providers.ollama]
name = "Ollama"
base_url = "http://localhost:11434/v1"

[model_providers.lmstudio]
name = "LM Studio"
base_url = "http://localhost:1234/v1"
`

// Defaults of every provider that does not say otherwise.
const (
	defaultRequestRetries  = 4
	defaultStreamRetries   = 5
	defaultStreamIdleMilli = 300_000
	defaultWireAPI         = "responses"
)
