package policy

// Reason is the machine-readable why of a decision. Every code of every decision package is in this file.
type Reason string

// Commands, escalation and standard input.
const (
	ReasonKnownSafe          Reason = "known_safe"
	ReasonSandboxed          Reason = "runs_in_sandbox"
	ReasonFullAccess         Reason = "full_access"
	ReasonUntrustedCommand   Reason = "untrusted_command"
	ReasonDangerousCommand   Reason = "dangerous_command"
	ReasonRuleAllow          Reason = "rule_allow"
	ReasonRulePrompt         Reason = "rule_prompt"
	ReasonRuleForbid         Reason = "rule_forbid"
	ReasonEscalation         Reason = "escalation_requested"
	ReasonEscalationRefused  Reason = "escalation_refused"
	ReasonMorePermissions    Reason = "additional_permissions_requested"
	ReasonNoJustification    Reason = "justification_missing"
	ReasonNoCommand          Reason = "no_command"
	ReasonStdinRunning       Reason = "stdin_of_running_command"
	ReasonStdinUnconfined    Reason = "stdin_of_unconfined_command"
	ReasonStdinUnknown       Reason = "stdin_of_unknown_command"
	ReasonApprovedForSession Reason = "approved_for_session"
	ReasonOverridden         Reason = "overridden_by_user"
)

// Why a prompt was not asked.
const (
	ReasonNeverAsk       Reason = "approval_policy_never"
	ReasonCategoryOff    Reason = "granular_category_off"
	ReasonHeadless       Reason = "headless_without_reviewer"
	ReasonUnknownAction  Reason = "unknown_action"
	ReasonUnknownPolicy  Reason = "unknown_approval_policy"
	ReasonUnknownSandbox Reason = "unknown_sandbox_mode"
)

// Calls that never became an action.
const (
	ReasonUnknownTool  Reason = "unknown_tool"
	ReasonBadArguments Reason = "bad_arguments"
	ReasonInterrupted  Reason = "turn_interrupted"
	ReasonTooLarge     Reason = "too_large_to_record"
)

// What hooks said.
const (
	ReasonHookBlocked Reason = "hook_blocked"
	ReasonHookAllowed Reason = "hook_allowed"
	ReasonHookDenied  Reason = "hook_denied"
)

// Patches, other tools, permissions.
const (
	ReasonHarmlessTool      Reason = "harmless_tool"
	ReasonPatchInside       Reason = "patch_inside_writable"
	ReasonPatchOutside      Reason = "patch_outside_writable"
	ReasonPatchProtected    Reason = "patch_protected_path"
	ReasonPatchHidden       Reason = "patch_hidden_path"
	ReasonReadHidden        Reason = "read_hidden_path"
	ReasonPatchNoTargets    Reason = "patch_without_targets"
	ReasonToolDestructive   Reason = "tool_destructive"
	ReasonToolSideEffects   Reason = "tool_side_effects"
	ReasonToolReadOnly      Reason = "tool_read_only"
	ReasonToolContained     Reason = "tool_without_outside_effects"
	ReasonToolApproved      Reason = "tool_approved_by_configuration"
	ReasonToolPrompt        Reason = "tool_prompt_by_configuration"
	ReasonToolChanged       Reason = "tool_changed_its_definition"
	ReasonElicitation       Reason = "mcp_elicitation"
	ReasonElicitationForm   Reason = "mcp_elicitation_needs_input"
	ReasonPermissionHeld    Reason = "permission_already_held"
	ReasonPermissionAsked   Reason = "permission_requested"
	ReasonPermissionManaged Reason = "permission_exceeds_requirements"
	ReasonPermissionRefused Reason = "permission_refused"
	ReasonSkillScript       Reason = "skill_script"
)

// Network. The words from not_allowed to proxy_disabled are those Codex puts on the wire.
const (
	ReasonNetworkAllowed       Reason = "allow"
	ReasonNotAllowed           Reason = "not_allowed"
	ReasonNotAllowedLocal      Reason = "not_allowed_local"
	ReasonDenied               Reason = "denied"
	ReasonMethodNotAllowed     Reason = "method_not_allowed"
	ReasonMITMRequired         Reason = "mitm_required"
	ReasonProxyDisabled        Reason = "proxy_disabled"
	ReasonSocksDisabled        Reason = "socks5_disabled"
	ReasonSocksUDPDisabled     Reason = "socks5_udp_disabled"
	ReasonUnknownProtocol      Reason = "unknown_protocol"
	ReasonNetworkOff           Reason = "network_off"
	ReasonNetworkRuleAllow     Reason = "network_rule_allow"
	ReasonNetworkRulePrompt    Reason = "network_rule_prompt"
	ReasonNetworkRuleForbid    Reason = "network_rule_forbid"
	ReasonInvalidNetworkPolicy Reason = "invalid_network_policy"
	ReasonNetworkNoDecision    Reason = "network_not_judged"
)

// How a review ended.
const (
	ReasonReviewApproved    Reason = "reviewer_approved"
	ReasonReviewDenied      Reason = "reviewer_denied"
	ReasonRiskCritical      Reason = "risk_critical"
	ReasonRiskLimit         Reason = "risk_above_limit"
	ReasonNotAuthorized     Reason = "risk_high_without_authorization"
	ReasonReviewTimedOut    Reason = "review_timed_out"
	ReasonReviewAborted     Reason = "review_aborted"
	ReasonReviewFailed      Reason = "review_failed"
	ReasonReviewPanicked    Reason = "review_panicked"
	ReasonRequestUnreadable Reason = "request_unreadable"
	ReasonDigestMismatch    Reason = "action_digest_mismatch"
	ReasonActionTooLarge    Reason = "action_too_large"
	ReasonUserApproved      Reason = "user_approved"
	ReasonUserDenied        Reason = "user_denied"
	ReasonNotInteractive    Reason = "no_interactive_terminal"
	ReasonInvalidVerdict    Reason = "invalid_verdict"
	ReasonAnswerUnclear     Reason = "answer_not_understood"
	ReasonReviewerLost      Reason = "reviewer_lost"
)
