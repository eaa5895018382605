package event

// The payloads below carry the attributes that Codex CLI 0.169.0 exports, under
// the same names, so the JSON name of a field is also its name in telemetry.
// The tag otel:"s" marks numbers and booleans that the CLI exports as text;
// otel:"-" marks what is ours and stays out of Codex-compatible export.
// Fields that were not known are left out, as the CLI does.

// AuthEnv says which credentials the environment offers: presence, never values.
type AuthEnv struct {
	OpenAIKeyPresent   bool   `json:"auth.env_openai_api_key_present"`
	CodexKeyPresent    bool   `json:"auth.env_codex_api_key_present"`
	CodexKeyEnabled    bool   `json:"auth.env_codex_api_key_enabled"`
	ProviderKeyName    string `json:"auth.env_provider_key_name,omitempty"` // the word "configured"
	ProviderKeyPresent *bool  `json:"auth.env_provider_key_present,omitempty"`
	RefreshURLOverride bool   `json:"auth.env_refresh_token_url_override_present"`
}

// ConversationStartsPayload opens a session. Its last fields are what every later
// record of the session repeats in telemetry.
type ConversationStartsPayload struct {
	ProviderName         string `json:"provider_name"`
	ReasoningEffort      string `json:"reasoning_effort,omitempty"`
	ReasoningSummary     string `json:"reasoning_summary"`
	ContextWindow        int64  `json:"context_window,omitempty"`
	AutoCompactLimit     int64  `json:"auto_compact_token_limit,omitempty"`
	ApprovalPolicy       string `json:"approval_policy"`
	SandboxPolicy        string `json:"sandbox_policy"`
	MCPServers           string `json:"mcp_servers"` // comma list
	LegacyMultiAgentInfo string `json:"config.legacy_multi_agent_disabled_sources"`
	AuthEnv

	AppVersion   string    `json:"app.version" otel:"-"`
	Originator   string    `json:"originator" otel:"-"`
	TerminalType string    `json:"terminal.type" otel:"-"`
	Model        string    `json:"model" otel:"-"`
	Reviewer     string    `json:"approvals_reviewer" otel:"-"`
	Cwd          Sensitive `json:"cwd,omitzero" otel:"-"`
	Git          bool      `json:"git" otel:"-"`                // the working folder is under version control
	Worktree     bool      `json:"worktree,omitempty" otel:"-"` // it is a linked working tree of Git
	Host         string    `json:"host.name,omitempty" otel:"-"`
	PID          int       `json:"pid" otel:"-"`
	// TraceParent is that of the process that started the session, in the form of W3C Trace Context.
	TraceParent string `json:"traceparent,omitempty" otel:"-"`
	// Telemetry says that an exporter was on: without it the session never leaves the machine.
	Telemetry bool `json:"telemetry" otel:"-"`
}

// StartupPhasePayload is one phase of starting up.
type StartupPhasePayload struct {
	Phase    string `json:"startup.phase"`
	Status   string `json:"startup.status,omitempty"`
	Duration int64  `json:"duration_ms" otel:"s"`
}

// UserPromptPayload is one request of a person.
type UserPromptPayload struct {
	Length int       `json:"prompt_length" otel:"s"` // characters
	Prompt Sensitive `json:"prompt,omitzero"`
}

// APIRequestPayload is one attempt to reach the model.
type APIRequestPayload struct {
	Duration       int64  `json:"duration_ms" otel:"s"` // to the response head
	Status         int    `json:"http.response.status_code,omitempty"`
	Error          string `json:"error.message,omitempty"`
	Attempt        int    `json:"attempt"` // from 0, again from 0 after a cut stream
	HeaderAttached bool   `json:"auth.header_attached"`
	HeaderName     string `json:"auth.header_name,omitempty"`
	RetryAfter401  bool   `json:"auth.retry_after_unauthorized"`
	RecoveryMode   string `json:"auth.recovery_mode,omitempty"`
	RecoveryPhase  string `json:"auth.recovery_phase,omitempty"`
	Endpoint       string `json:"endpoint"`
	AuthEnv
	RequestID     string `json:"auth.request_id,omitempty"`
	CFRay         string `json:"auth.cf_ray,omitempty"`
	AuthError     string `json:"auth.error,omitempty"`
	AuthErrorCode string `json:"auth.error_code,omitempty"`
	Model         string `json:"request.model,omitempty" otel:"-"`
	// RequestDigest is SHA-256 of the body that was sent, RequestBytes its length.
	RequestDigest string `json:"request.digest,omitempty" otel:"-"`
	RequestBytes  int    `json:"request.bytes,omitempty" otel:"-"`
}

// SSEEventPayload is one event of the model's stream. A completed response gives two
// records: the event with its duration, and one with the token counts.
type SSEEventPayload struct {
	EventKind string `json:"event.kind,omitempty"` // absent when the transport broke
	Duration  *int64 `json:"duration_ms,omitempty" otel:"s"`
	Error     string `json:"error.message,omitempty"`

	InputTokens      *int64 `json:"input_token_count,omitempty" otel:"s"`
	OutputTokens     *int64 `json:"output_token_count,omitempty" otel:"s"`
	CachedTokens     *int64 `json:"cached_token_count,omitempty"`
	CacheWriteTokens *int64 `json:"cache_write_token_count,omitempty"`
	ReasoningTokens  *int64 `json:"reasoning_token_count,omitempty"`
	ToolTokens       *int64 `json:"tool_token_count,omitempty" otel:"s"` // input and output together
	TTFT             *int64 `json:"ttft_ms,omitempty"`
	ReasoningEffort  string `json:"model_reasoning_effort,omitempty"`
	ServiceTier      string `json:"service_tier,omitempty"`

	// Delta is the text of a delta event, or what was held back of the ones before, see Filter; the data of events is
	// otherwise not kept, the finished item is.
	Delta Sensitive `json:"delta,omitzero" otel:"-"`
}

// WebsocketConnectPayload is an attempt to open a WebSocket to the model.
type WebsocketConnectPayload struct {
	Duration       int64  `json:"duration_ms" otel:"s"`
	Status         int    `json:"http.response.status_code,omitempty"`
	Success        bool   `json:"success" otel:"s"`
	Error          string `json:"error.message,omitempty"`
	HeaderAttached bool   `json:"auth.header_attached"`
	HeaderName     string `json:"auth.header_name,omitempty"`
	RetryAfter401  bool   `json:"auth.retry_after_unauthorized"`
	Endpoint       string `json:"endpoint"`
	AuthEnv
	ConnectionReused bool `json:"auth.connection_reused"`
	Reauth           bool `json:"auth.reauth"`
}

// WebsocketRequestPayload is one request over a WebSocket.
type WebsocketRequestPayload struct {
	Duration int64  `json:"duration_ms" otel:"s"`
	Success  bool   `json:"success" otel:"s"`
	Error    string `json:"error.message,omitempty"`
	AuthEnv
	ConnectionReused bool `json:"auth.connection_reused"`
}

// WebsocketEventPayload is one message of the model over a WebSocket. The document lists
// it; the real CLI only counts it.
type WebsocketEventPayload struct {
	EventKind string `json:"event.kind,omitempty"`
	Duration  int64  `json:"duration_ms" otel:"s"`
	Success   bool   `json:"success" otel:"s"`
	Error     string `json:"error.message,omitempty"`
}

// TurnTTFTPayload is the time from the start of a turn to its first output.
type TurnTTFTPayload struct {
	Duration int64 `json:"duration_ms" otel:"s"`
}

// ToolDecisionPayload says whether a tool call may run. Unlike the CLI we write one for
// every call, also for those refused before any approval.
type ToolDecisionPayload struct {
	ToolName      string `json:"tool_name"`
	ToolNamespace string `json:"tool_namespace"`
	CallID        string `json:"call_id"`
	Decision      string `json:"decision"` // approved, approved_for_session, approved_execpolicy_amendment, denied, timed_out, abort
	Source        string `json:"source"`   // Config, User, AutomatedReviewer

	Outcome string `json:"outcome" otel:"-"`        // allow, forbid: what the executor does now
	Reason  string `json:"reason" otel:"-"`         // reason code, see policy/reason.go
	Rule    string `json:"rule,omitempty" otel:"-"` // the rule that decided, with file and line where it has one
	// DecidedBy is the authority: config, rule, managed, user, auto_review, or session for an earlier approval.
	DecidedBy string `json:"decided_by,omitempty" otel:"-"`
	// Agent made the call, empty for the session's own model.
	Agent string `json:"agent_name,omitempty" otel:"-"`
	// Approval is the id of the approval that allows or refuses the call: its own, or the earlier one.
	Approval string `json:"approval_id,omitempty" otel:"-"`
	Digest   Hash   `json:"action_digest" otel:"-"`
	Policy   string `json:"policy_digest" otel:"-"`
	// Facts is the JSON of everything the decision was made from; policy.Decide gives the same answer again.
	Facts Sensitive `json:"facts,omitzero" otel:"-"`
	// Action is the JSON of the exact action, see Action.
	Action Sensitive `json:"action,omitzero" otel:"-"`
	// Message is what the model is told when the call is refused.
	Message Sensitive `json:"message,omitzero" otel:"-"`
}

// ToolResultPayload says how a call ended.
type ToolResultPayload struct {
	ResultSeq       int64     `json:"tool_result_seq"` // from 1, in the order in which calls ended
	ToolName        string    `json:"tool_name"`
	ToolNamespace   string    `json:"tool_namespace"`
	CallID          string    `json:"call_id"`
	Duration        int64     `json:"duration_ms" otel:"s"`
	Success         bool      `json:"success" otel:"s"` // the tool worked; says nothing about the exit code
	OutputTruncated bool      `json:"output_truncated"`
	AgentName       string    `json:"agent_name"`
	Arguments       Sensitive `json:"arguments,omitzero"`
	Output          Sensitive `json:"output,omitzero"` // what the model saw
	MCPServer       string    `json:"mcp_server"`
	MCPServerOrigin string    `json:"mcp_server_origin"`

	// Status is completed, failed, refused, interrupted or running (a process that goes on in the background).
	Status   string `json:"status" otel:"-"`
	ExitCode *int   `json:"exit_code,omitempty" otel:"-"`
	Denials  int    `json:"sandbox_denials,omitempty" otel:"-"`
	// DenialsDropped of the Denials were beyond the bound of one command: they have no event. ChangesOmitted are changed
	// paths beyond its bound.
	DenialsDropped int `json:"denials_dropped,omitempty" otel:"-"`
	ChangesOmitted int `json:"changes_omitted,omitempty" otel:"-"`
	// Exact: refused calls were watched, so Denials is what was refused, not what is known of it.
	Exact   bool   `json:"sandbox_denials_exact,omitempty" otel:"-"`
	Digest  Hash   `json:"action_digest" otel:"-"` // of the action that ran
	Sandbox string `json:"sandbox,omitempty" otel:"-"`
	Mode    string `json:"sandbox_policy,omitempty" otel:"-"`
}

// SandboxOutcomePayload sums up what confinement refused to one command.
type SandboxOutcomePayload struct {
	ToolName string `json:"tool_name"`
	CallID   string `json:"call_id"`
	Outcome  string `json:"outcome"` // denied
	Initial  int64  `json:"initial_duration_ms"`
	Escal    int64  `json:"escalated_duration_ms,omitempty"`
}

// AgentResponsePayload is a message of the model.
type AgentResponsePayload struct {
	AgentType          string    `json:"agent.type"` // main, subagent
	TurnID             string    `json:"turn.id"`
	ItemID             string    `json:"item.id"`
	ParentConversation string    `json:"parent.conversation.id,omitempty"`
	ParentTurn         string    `json:"parent.turn.id,omitempty"`
	RootTurn           string    `json:"root.turn.id,omitempty"`
	Response           Sensitive `json:"response,omitzero"`
	Length             int       `json:"response_length"` // bytes
	Truncated          bool      `json:"response_truncated"`
	Phase              string    `json:"phase,omitempty" otel:"-"`
}

// GuardianAssessmentPayload is the verdict of the automatic reviewer.
type GuardianAssessmentPayload struct {
	ReviewID           string    `json:"review.id"`
	TurnID             string    `json:"turn.id"`
	ItemID             string    `json:"item.id,omitempty"` // the call under review
	Status             string    `json:"status"`            // approved, denied, timed_out, aborted
	Outcome            string    `json:"outcome,omitempty"` // allow, deny; absent when the review failed
	RiskLevel          string    `json:"risk_level,omitempty"`
	UserAuthorization  string    `json:"user_authorization,omitempty"`
	StartedAt          int64     `json:"started_at_ms"`
	CompletedAt        int64     `json:"completed_at_ms,omitempty"`
	Rationale          Sensitive `json:"rationale,omitzero"`
	RationaleLength    int       `json:"rationale_length,omitempty"`
	RationaleTruncated bool      `json:"rationale_truncated"`

	// The rest is for metrics and readers of the ledger.
	Terminal    string `json:"terminal_status,omitempty" otel:"-"` // as Status, and failed_closed
	Failure     string `json:"failure_reason,omitempty" otel:"-"`
	Action      string `json:"action,omitempty" otel:"-"` // metric tag of what was reviewed: shell, apply_patch, ...
	Model       string `json:"guardian_model,omitempty" otel:"-"`
	Effort      string `json:"guardian_reasoning_effort,omitempty" otel:"-"`
	SessionKind string `json:"session_kind,omitempty" otel:"-"` // trunk_new, trunk_reused, ephemeral_forked, none
	// Prior: the conversation held earlier reviews.
	Prior       bool          `json:"had_prior_review_context,omitempty" otel:"-"`
	Truncated   bool          `json:"reviewed_action_truncated,omitempty" otel:"-"`
	Attempts    int           `json:"attempts,omitempty" otel:"-"`
	Inspections int           `json:"inspections,omitempty" otel:"-"` // calls of the reviewer's own tools
	TTFT        int64         `json:"ttft_ms,omitempty" otel:"-"`
	Usage       Usage         `json:"usage" otel:"-"`
	Cost        int64         `json:"cost_micros,omitempty" otel:"-"` // millionths of the currency of the configured price
	Retries     []ReviewRetry `json:"retries,omitempty" otel:"-"`
	// Sections are what the reviewer was shown of this request, RequestTokens an estimate of all that was sent first.
	Sections      []ReviewSection `json:"sections,omitempty" otel:"-"`
	RequestTokens int64           `json:"request_tokens,omitempty" otel:"-"`
}

// ReviewSection is one part of what a reviewer is shown, by the names of the CLI.
type ReviewSection struct {
	Name  string `json:"section"` // intro, conversation_transcript, permissions, planned_action
	Bytes int64  `json:"text_bytes"`
}

// ReviewRetry is a pause of a review before another attempt.
type ReviewRetry struct {
	Failure string `json:"failure_reason"`
	Wait    int64  `json:"wait_ms"`
}

// AuthRecoveryPayload is a step taken after a refused credential.
type AuthRecoveryPayload struct {
	Mode      string `json:"auth.mode"`
	Step      string `json:"auth.step"`
	Outcome   string `json:"auth.outcome"`
	RequestID string `json:"auth.request_id,omitempty"`
	CFRay     string `json:"auth.cf_ray,omitempty"`
	Error     string `json:"auth.error,omitempty"`
	ErrorCode string `json:"auth.error_code,omitempty"`
	Reason    string `json:"auth.recovery_reason,omitempty"`
	Changed   *bool  `json:"auth.state_changed,omitempty"`
}

// NetworkPolicyDecisionPayload says whether a connection may leave the sandbox.
type NetworkPolicyDecisionPayload struct {
	Scope     string `json:"network.policy.scope"`
	Decision  string `json:"network.policy.decision"` // allow, deny, ask
	Source    string `json:"network.policy.source"`
	Reason    string `json:"network.policy.reason"`
	Protocol  string `json:"network.transport.protocol"`
	Host      string `json:"server.address"`
	Port      int    `json:"server.port"`
	Method    string `json:"http.request.method,omitempty"`
	Client    string `json:"client.address,omitempty"`
	Execution string `json:"execution.id,omitempty"`
	Override  bool   `json:"network.policy.override"`

	Rule     string   `json:"rule,omitempty" otel:"-"`
	Resolved []string `json:"resolved,omitempty" otel:"-"`
	Sent     int64    `json:"bytes_sent,omitempty" otel:"-"`
	Received int64    `json:"bytes_received,omitempty" otel:"-"`
	Duration int64    `json:"duration_ms,omitempty" otel:"-"`
}

// Kind implements Payload, here and below.
func (*ConversationStartsPayload) Kind() Kind    { return ConversationStarts }
func (*StartupPhasePayload) Kind() Kind          { return StartupPhase }
func (*UserPromptPayload) Kind() Kind            { return UserPrompt }
func (*APIRequestPayload) Kind() Kind            { return APIRequest }
func (*SSEEventPayload) Kind() Kind              { return SSEEvent }
func (*WebsocketConnectPayload) Kind() Kind      { return WebsocketConnect }
func (*WebsocketRequestPayload) Kind() Kind      { return WebsocketRequest }
func (*WebsocketEventPayload) Kind() Kind        { return WebsocketEvent }
func (*TurnTTFTPayload) Kind() Kind              { return TurnTTFT }
func (*ToolDecisionPayload) Kind() Kind          { return ToolDecision }
func (*ToolResultPayload) Kind() Kind            { return ToolResult }
func (*SandboxOutcomePayload) Kind() Kind        { return SandboxOutcome }
func (*AgentResponsePayload) Kind() Kind         { return AgentResponse }
func (*GuardianAssessmentPayload) Kind() Kind    { return GuardianAssessment }
func (*AuthRecoveryPayload) Kind() Kind          { return AuthRecovery }
func (*NetworkPolicyDecisionPayload) Kind() Kind { return NetworkPolicyDecision }
