package config

// SandboxMode is the legacy word for how a command is confined.
type SandboxMode string

// The sandbox modes, most confined first. ExternalSandbox may only appear in
// requirements; it stands for a container that already isolates.
const (
	ReadOnly         SandboxMode = "read-only"
	WorkspaceWrite   SandboxMode = "workspace-write"
	DangerFullAccess SandboxMode = "danger-full-access"
	ExternalSandbox  SandboxMode = "external-sandbox"
)

// Reviewer says who answers approval requests.
type Reviewer string

// The reviewers. The legacy word guardian_subagent is read as AutoReviewer.
const (
	UserReviewer Reviewer = "user"
	AutoReviewer Reviewer = "auto_review"
)

// WebSearchMode says what the model's search tool may reach.
type WebSearchMode string

// The web search modes. Disabled is always allowed by requirements.
const (
	WebSearchDisabled WebSearchMode = "disabled"
	WebSearchCached   WebSearchMode = "cached"
	WebSearchIndexed  WebSearchMode = "indexed"
	WebSearchLive     WebSearchMode = "live"
)

// Trust is the decision a person made about a folder; empty means none yet.
type Trust string

// The trust levels of [projects."PATH"].
const (
	TrustUndecided Trust = ""
	Trusted        Trust = "trusted"
	Untrusted      Trust = "untrusted"
)

// Config is the effective configuration of one run. Treat it as read-only.
type Config struct {
	CodexHome   string // absolute
	ProctorHome string // absolute
	Cwd         string // absolute
	ProjectRoot string // nearest ancestor of Cwd with .git, else Cwd
	Profile     string // as selected by the user, may be empty
	Trust       Trust  // of Cwd
	Headless    bool   // nobody can be asked

	Model                 string
	AutoReviewModel       string
	ModelProviderID       string
	ModelProvider         ModelProvider            // the selected one
	ModelProviders        map[string]ModelProvider // built in and configured
	ModelReasoningEffort  string                   // empty = the model's own
	ModelReasoningSummary string
	ModelVerbosity        string
	ForcedLoginMethod     string // chatgpt or api, empty = any
	ModelContextWindow    int64  // tokens, 0 = the model's own
	DeveloperInstructions string

	ApprovalPolicy    ApprovalPolicy
	ApprovalsReviewer Reviewer
	AutoReview        AutoReview

	// SandboxMode is always set. When PermissionProfile names a profile of
	// Permissions, that profile decides and SandboxMode is its nearest word.
	SandboxMode           SandboxMode
	SandboxWorkspaceWrite SandboxWorkspaceWrite
	PermissionProfile     string // ":read-only", ":workspace", ":danger-full-access" or a name
	Permissions           map[string]PermissionProfile
	DenyRead              []string // managed paths and globs nobody may read

	WebSearch              WebSearchMode
	AllowLoginShell        bool
	ShellEnvironmentPolicy ShellEnvironmentPolicy
	Features               map[string]bool
	NetworkProxy           NetworkProxy
	History                History
	Projects               map[string]Project
	Otel                   Otel
	MCPServers             map[string]MCPServer
	Hooks                  []HookSource // weakest layer first, the administrator's before all
	HookStates             map[string]HookState
	BypassHookTrust        bool     // --dangerously-bypass-hook-trust
	Notify                 []string // argv of the program told about finished turns
	ToolOutputTokenLimit   int64    // 0 = default of the tool
	ProjectDocMaxBytes     int64

	Requirements Requirements
	Proctor      Proctor
	Environment  Environment

	final   *node
	layers  []layer
	files   []Source
	settled map[string]Constraint // by key: how a requirement or the command changed it
}

// AutoReview are the texts of the reviewer policy after requirements.
type AutoReview struct {
	Policy           string   // replaces the tenant section; empty = bundled default
	ExtraPolicy      string   // managed, appended to that section
	RequiredOnModels []string // managed: models on which review is mandatory
	IgnoreRules      []string // managed
}

// SandboxWorkspaceWrite widens or narrows the workspace-write mode.
type SandboxWorkspaceWrite struct {
	WritableRoots       []string `json:"writable_roots"`
	NetworkAccess       bool     `json:"network_access"`
	ExcludeSlashTmp     bool     `json:"exclude_slash_tmp"`
	ExcludeTmpdirEnvVar bool     `json:"exclude_tmpdir_env_var"`
}

// History says whether session transcripts are kept.
type History struct {
	Persistence string `json:"persistence"` // save-all or none
	MaxBytes    int64  `json:"max_bytes"`   // 0 = no limit
}

// Project is what a person decided about a folder.
type Project struct {
	TrustLevel Trust `json:"trust_level"`
}

// MCPServer is one entry of [mcp_servers]. Exactly one of Command and URL is set.
type MCPServer struct {
	Command           string             `json:"command"`
	Args              []string           `json:"args"`
	Env               map[string]Secret  `json:"env"`
	EnvVars           []any              `json:"env_vars"`
	Cwd               string             `json:"cwd"`
	URL               string             `json:"url"`
	BearerTokenEnvVar string             `json:"bearer_token_env_var"`
	HTTPHeaders       map[string]Secret  `json:"http_headers"`
	EnvHTTPHeaders    map[string]string  `json:"env_http_headers"`
	Enabled           *bool              `json:"enabled"`
	Required          bool               `json:"required"`
	EnabledTools      []string           `json:"enabled_tools"`
	DisabledTools     []string           `json:"disabled_tools"`
	StartupTimeoutSec float64            `json:"startup_timeout_sec"`
	ToolTimeoutSec    float64            `json:"tool_timeout_sec"`
	DefaultApproval   string             `json:"default_tools_approval_mode"`
	Tools             map[string]MCPTool `json:"tools"`

	// DisabledReason is set when requirements switched the server off.
	DisabledReason string `json:"-"`
}

// MCPTool is the policy of one tool of a server.
type MCPTool struct {
	ApprovalMode string `json:"approval_mode"`
}

// IsEnabled reports whether the server may be started.
func (s MCPServer) IsEnabled() bool {
	return s.DisabledReason == "" && (s.Enabled == nil || *s.Enabled)
}

// NetworkAccess reports whether commands of the selected permissions have any
// network at all. The proxy of [NetworkProxy] can only narrow a true answer.
func (c *Config) NetworkAccess() bool {
	if p, ok := c.Permissions[c.PermissionProfile]; ok {
		return c.resolvedNetwork(p)
	}
	switch c.SandboxMode {
	case DangerFullAccess:
		return true
	case WorkspaceWrite:
		return c.SandboxWorkspaceWrite.NetworkAccess
	default:
		return false
	}
}
