package event

import "strings"

// Kind names what happened. The name is the same on the bus, in the ledger, in
// exported telemetry and in the documentation.
type Kind string

// Kinds that Codex documents; their payloads carry the attributes of the real CLI.
const (
	ConversationStarts    Kind = "codex.conversation_starts"
	StartupPhase          Kind = "codex.startup_phase"
	UserPrompt            Kind = "codex.user_prompt"
	APIRequest            Kind = "codex.api_request"
	SSEEvent              Kind = "codex.sse_event"
	WebsocketConnect      Kind = "codex.websocket_connect"
	WebsocketRequest      Kind = "codex.websocket_request"
	WebsocketEvent        Kind = "codex.websocket_event"
	TurnTTFT              Kind = "codex.turn_ttft"
	ToolDecision          Kind = "codex.tool_decision"
	ToolResult            Kind = "codex.tool_result"
	SandboxOutcome        Kind = "codex.sandbox_outcome"
	AgentResponse         Kind = "codex.agent_response"
	GuardianAssessment    Kind = "codex.guardian_assessment"
	AuthRecovery          Kind = "codex.auth_recovery"
	NetworkPolicyDecision Kind = "codex.network_proxy.policy_decision"
)

// Kinds of our own.
const (
	ConfigResolved    Kind = "proctor.config_resolved"
	PolicyLoaded      Kind = "proctor.policy_loaded"
	SessionResumed    Kind = "proctor.session_resumed"
	SessionClosed     Kind = "proctor.session_closed"
	SessionHeartbeat  Kind = "proctor.session_heartbeat"
	PhaseStarted      Kind = "proctor.phase_started"
	PhaseEnded        Kind = "proctor.phase_ended"
	SecretLeftBehind  Kind = "proctor.secret_left_behind"
	TurnStarted       Kind = "proctor.turn_started"
	TurnCompleted     Kind = "proctor.turn_completed"
	HistoryItem       Kind = "proctor.history_item"
	StreamRetry       Kind = "proctor.stream_retry"
	ApprovalRequested Kind = "proctor.approval_requested"
	HookRun           Kind = "proctor.hook_run"
	ReviewStarted     Kind = "proctor.review_started"
	ApprovalVoted     Kind = "proctor.approval_voted"
	ApprovalDecided   Kind = "proctor.approval_decided"
	OverrideGranted   Kind = "proctor.override_granted"
	OverrideUsed      Kind = "proctor.override_used"
	GrantRevoked      Kind = "proctor.grant_revoked"
	PolicyAmended     Kind = "proctor.policy_amended"
	ExecStarted       Kind = "proctor.exec_started"
	ExecInput         Kind = "proctor.exec_input"
	ExecOutput        Kind = "proctor.exec_output"
	SandboxDenial     Kind = "proctor.sandbox_denial"
	NetworkClosed     Kind = "proctor.network_closed"
	FileChange        Kind = "proctor.file_change"
	FileRead          Kind = "proctor.file_read"
	ExecutorAttached  Kind = "proctor.executor_attached"
	ModelRequest      Kind = "proctor.model_request"
	ModelAnswered     Kind = "proctor.model_answered"
	ModelEvent        Kind = "proctor.model_event"
	ModelEnded        Kind = "proctor.model_ended"
	Checkpoint        Kind = "proctor.checkpoint"
	ExportGap         Kind = "proctor.export_gap"
	Erasure           Kind = "proctor.erasure"
	HoldPlaced        Kind = "proctor.hold_placed"
	MessageRefused    Kind = "proctor.message_refused"
	HoldReleased      Kind = "proctor.hold_released"
	KeyRotated        Kind = "proctor.key_rotated"
)

// Split returns the family ("codex", "proctor") and the rest of the name.
func (k Kind) Split() (family, name string) {
	family, name, _ = strings.Cut(string(k), ".")
	return family, name
}
