package event

// Payloads of proctor about approvals and what runs.

// ApprovalRequestedPayload asks a reviewer. It is recorded before any reviewer sees it.
type ApprovalRequestedPayload struct {
	ApprovalID string `json:"approval_id"`
	ToolName   string `json:"tool_name"`
	ActionKind string `json:"action_kind"`
	Digest     Hash   `json:"action_digest"`
	Reviewer   string `json:"reviewer"` // user, auto_review, or policy when nobody may be asked
	Reason     string `json:"reason"`   // why approval is needed: reason code
	Rule       string `json:"rule,omitempty"`
	Deadline   int64  `json:"deadline_ms"` // how long the executor waits
	// OneShot: an approval can count for this call only.
	OneShot bool `json:"one_shot,omitempty"`
	// Amendment is the JSON of the rule that an approval of scope amendment adds, see Amendment; empty when none is offered.
	Amendment Sensitive `json:"amendment,omitzero"`
	// Action is the JSON of the exact action, Context the JSON of what a reviewer may know besides.
	Action  Sensitive `json:"action,omitzero"`
	Context Sensitive `json:"context,omitzero"`
}

// ReviewerPolicy stands where a reviewer is named when policy answered a request itself.
const ReviewerPolicy = "policy"

// ReviewStartedPayload says that a reviewer took the request up.
type ReviewStartedPayload struct {
	ApprovalID string `json:"approval_id"`
	ReviewID   string `json:"review_id"`
	Reviewer   string `json:"reviewer"` // user:NAME, auto_review:MODEL
}

// How a review ends. Only Approved lets the action run.
const (
	Approved     = "approved"
	Denied       = "denied"
	TimedOut     = "timed_out"
	Aborted      = "aborted"
	FailedClosed = "failed_closed"
)

// ApprovalDecidedPayload is the one final answer to a request.
type ApprovalDecidedPayload struct {
	ApprovalID string `json:"approval_id"`
	ReviewID   string `json:"review_id,omitempty"`
	Reviewer   string `json:"reviewer"`
	// Status is one of the constants above.
	Status        string `json:"status"`
	Scope         string `json:"scope,omitempty"` // once, session, amendment
	Digest        Hash   `json:"action_digest"`   // of the action that was judged
	Reason        string `json:"reason"`          // reason code
	FailureReason string `json:"failure_reason,omitempty"`
	RiskLevel     string `json:"risk_level,omitempty"`
	Authorization string `json:"user_authorization,omitempty"`
	Attempts      int    `json:"attempts,omitempty"`
	Duration      int64  `json:"duration_ms"`
	// Voters are the people who answered, in order; each has a proctor.approval_voted of their own.
	Voters    []string  `json:"voters,omitempty"`
	Rationale Sensitive `json:"rationale,omitzero"`
}

// ExecStartedPayload is committed before anything runs.
type ExecStartedPayload struct {
	ToolName string `json:"tool_name"`
	Digest   Hash   `json:"action_digest"`
	Decision ID     `json:"decision"` // the tool_decision that allows it
	Backend  string `json:"backend"`
	Mode     string `json:"sandbox_policy"`
	Network  string `json:"network"`
	// Gaps are in what this backend guarantees less than one with namespaces; most have none.
	Gaps []string `json:"sandbox_gaps,omitempty"`
	// Escalated is set when the action runs outside the sandbox, by approval or rule.
	Escalated bool      `json:"escalated,omitempty"`
	Argv      Sensitive `json:"argv,omitzero"` // JSON array
	Cwd       Sensitive `json:"cwd,omitzero"`
	EnvNames  []string  `json:"env_names,omitempty"`
	// Permissions is the JSON of the rights that were granted on top of the session's plan, see Permissions.
	Permissions Sensitive `json:"permissions,omitzero"`
}

// ExecInputPayload is committed before the text reaches the process.
type ExecInputPayload struct {
	Process int       `json:"process"`
	Digest  Hash      `json:"action_digest"`
	Input   Sensitive `json:"input,omitzero"`
}

// ExecOutputPayload is a piece of output, at most 32 KiB of it.
type ExecOutputPayload struct {
	Stream string    `json:"stream"` // stdout, stderr
	Offset int64     `json:"offset"` // of this piece in its stream
	Chunk  Sensitive `json:"chunk,omitzero"`
	// Omitted is set on the last piece kept when the bound per call was reached: bytes not kept.
	Omitted int64 `json:"omitted,omitempty"`
}

// SandboxDenialPayload is one call that confinement refused.
type SandboxDenialPayload struct {
	Backend string `json:"backend"`
	Syscall string `json:"syscall"`
	Access  string `json:"access"`
	Path    string `json:"path,omitempty"`
	Address string `json:"address,omitempty"`
	Rule    string `json:"rule"`
	Program string `json:"program,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Errno   int    `json:"errno,omitempty"`
	// Count is how often the same program made this call; path and PID are those of the first time.
	Count int  `json:"count,omitempty"`
	Exact bool `json:"exact"` // seen as a call; false when guessed from output
}

// FileChangePayload is one file changed, by apply_patch or by a command that was watched: then it is what finally became of
// the path when the command had ended, without diff.
type FileChangePayload struct {
	Path   string `json:"path"`
	Change string `json:"change"`            // add, update, delete
	MoveTo string `json:"move_to,omitempty"` // new path of a renamed file
	Before string `json:"before,omitempty"`  // hex SHA-256, empty for a new file; of a command's only for the first small ones
	After  string `json:"after,omitempty"`   // hex SHA-256, empty for a deleted one
	// Unhashed: After is left out, since the file is large, one of many, or not a regular one.
	Unhashed bool      `json:"unhashed,omitempty"`
	Command  bool      `json:"command,omitempty"` // changed by a command
	Bytes    int64     `json:"bytes"`
	Diff     Sensitive `json:"diff,omitzero"` // unified, cut at 64 KiB
	Cut      bool      `json:"diff_truncated,omitempty"`
}

// Kind implements Payload, here and below.
func (*ApprovalRequestedPayload) Kind() Kind { return ApprovalRequested }
func (*ReviewStartedPayload) Kind() Kind     { return ReviewStarted }
func (*ApprovalDecidedPayload) Kind() Kind   { return ApprovalDecided }
func (*ExecStartedPayload) Kind() Kind       { return ExecStarted }
func (*ExecInputPayload) Kind() Kind         { return ExecInput }
func (*ExecOutputPayload) Kind() Kind        { return ExecOutput }
func (*SandboxDenialPayload) Kind() Kind     { return SandboxDenial }
func (*FileChangePayload) Kind() Kind        { return FileChange }
