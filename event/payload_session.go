package event

// Payloads of proctor about sessions, turns and what the model is told.

// Setting is one effective value and where it came from.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Layer  string `json:"layer"`
	Source string `json:"source,omitempty"` // file:line, or the flag
}

// ConfigResolvedPayload lists the settings in force that were set somewhere. Values may
// hold secrets, so the list is sealed JSON of []Setting.
type ConfigResolvedPayload struct {
	Settings Sensitive `json:"settings,omitzero"`
	// Launch is the JSON of what command line and environment added to the files, see config.Launch.
	Launch   Sensitive `json:"launch,omitzero"`
	Count    int       `json:"count"`
	Warnings []string  `json:"warnings,omitempty"`
}

// PolicyLoadedPayload names everything that decides.
type PolicyLoadedPayload struct {
	Digest         string   `json:"policy_digest"` // hex SHA-256 over the effective policy
	ApprovalPolicy string   `json:"approval_policy"`
	Reviewer       string   `json:"approvals_reviewer"`
	SandboxMode    string   `json:"sandbox_mode"`
	Network        string   `json:"network"`
	Backend        string   `json:"backend"` // how commands are confined
	RuleFiles      []string `json:"rule_files,omitempty"`
	Rules          int      `json:"rules"`
	// Notes say what of the network settings is dangerous, was clamped or does not count. NetworkRules is the JSON of the rules of
	// the network proxy, where commands reach the network through it.
	Notes        []string  `json:"network_notes,omitempty"`
	NetworkRules Sensitive `json:"network_rules,omitzero"`
	// Redaction is the version of the rules by which secrets are masked before they are recorded, off where none are.
	Redaction string `json:"redaction_rules,omitempty"`
	// Plan is the JSON of the filesystem plan that confines commands of this session.
	Plan Sensitive `json:"plan,omitzero"`
	// Request is the JSON of the filesystem.Request that the configuration made, before our own folders were taken out of it.
	Request Sensitive `json:"request,omitzero"`
}

// SessionResumedPayload says where a session goes on.
type SessionResumedPayload struct {
	After       uint64   `json:"after"` // number of the last event before
	Interrupted []string `json:"interrupted_calls,omitempty"`
	Version     string   `json:"app.version"`
}

// TurnStartedPayload opens a turn.
type TurnStartedPayload struct {
	Model   string `json:"model"`
	Effort  string `json:"reasoning_effort,omitempty"`
	History int    `json:"history_items"`
}

// HistoryItemPayload is one item of the conversation. The items of a session, in
// order, are the input of its next model request: a resume rebuilds it from them.
type HistoryItemPayload struct {
	ItemType string `json:"item_type"` // message, reasoning, function_call, function_call_output, ...
	Role     string `json:"role,omitempty"`
	// Item is the JSON of the item as it is sent.
	Item Sensitive `json:"item,omitzero"`
}

// StreamRetryPayload says that the model is asked again.
type StreamRetryPayload struct {
	Attempt int       `json:"attempt"` // from 1
	Max     int       `json:"max"`
	Delay   int64     `json:"delay_ms"`
	Message Sensitive `json:"message,omitzero"`
}

// Usage counts tokens.
type Usage struct {
	Input      int64 `json:"input_tokens"`
	Cached     int64 `json:"cached_input_tokens"`
	CacheWrite int64 `json:"cache_write_input_tokens"`
	Output     int64 `json:"output_tokens"`
	Reasoning  int64 `json:"reasoning_output_tokens"`
}

// Add is the sum of two counts.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		Input: u.Input + v.Input, Cached: u.Cached + v.Cached, CacheWrite: u.CacheWrite + v.CacheWrite,
		Output: u.Output + v.Output, Reasoning: u.Reasoning + v.Reasoning,
	}
}

// TurnCompletedPayload ends a turn.
type TurnCompletedPayload struct {
	Status   string    `json:"status"` // completed, failed, interrupted
	Duration int64     `json:"duration_ms"`
	Requests int       `json:"requests"`
	Calls    int       `json:"tool_calls"`
	Usage    Usage     `json:"usage"`        // of this turn
	Thread   Usage     `json:"thread_usage"` // of the session so far
	Error    Sensitive `json:"error,omitzero"`
	// LastMessage is the final answer, as printed.
	LastMessage Sensitive `json:"last_message,omitzero"`
	// Breaker: the turn was ended because a reviewer refused too often.
	Breaker bool `json:"breaker,omitempty"`
}

// SessionClosedPayload is the last event of a session in one process. Counts are of
// all events between the previous session_closed, or the first event, and this one.
type SessionClosedPayload struct {
	Reason string          `json:"reason"` // completed, failed, interrupted, terminated, timed_out, recovered
	Events uint64          `json:"events"` // number of this event
	Counts map[Kind]uint64 `json:"counts"`
	// OpenCalls are calls that were started and have no result.
	OpenCalls []string `json:"open_calls,omitempty"`
}

// SessionHeartbeatPayload says that a session still runs. The stream fills in the counts as it numbers the event.
type SessionHeartbeatPayload struct {
	Every  int64           `json:"every_ms"` // until the next one
	Events uint64          `json:"events"`   // number of this event
	Counts map[Kind]uint64 `json:"counts"`   // as in SessionClosedPayload
}

// CheckpointPayload is a signed tree head.
type CheckpointPayload struct {
	Size uint64 `json:"size"`
	Root Hash   `json:"root"`
	Note string `json:"note"` // C2SP signed note
}

// ExportGapPayload says what a destination did not get.
type ExportGapPayload struct {
	Destination string `json:"destination"`
	Signal      string `json:"signal"`
	From        Seq    `json:"from"`
	To          Seq    `json:"to"` // inclusive
	Rejected    int64  `json:"rejected"`
	Reason      string `json:"reason"` // rejected, unreachable, recovered
	Message     string `json:"message,omitempty"`
	Lasted      int64  `json:"lasted_ms,omitempty"`
}

// Kind implements Payload, here and below.
func (*ConfigResolvedPayload) Kind() Kind   { return ConfigResolved }
func (*PolicyLoadedPayload) Kind() Kind     { return PolicyLoaded }
func (*SessionResumedPayload) Kind() Kind   { return SessionResumed }
func (*TurnStartedPayload) Kind() Kind      { return TurnStarted }
func (*HistoryItemPayload) Kind() Kind      { return HistoryItem }
func (*StreamRetryPayload) Kind() Kind      { return StreamRetry }
func (*TurnCompletedPayload) Kind() Kind    { return TurnCompleted }
func (*SessionClosedPayload) Kind() Kind    { return SessionClosed }
func (*SessionHeartbeatPayload) Kind() Kind { return SessionHeartbeat }
func (*CheckpointPayload) Kind() Kind       { return Checkpoint }
func (*ExportGapPayload) Kind() Kind        { return ExportGap }
