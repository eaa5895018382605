package event

// ReviewContext is what a reviewer may know besides the action: the JSON in the
// field context of proctor.approval_requested. Readers ignore unknown members, so
// that it can grow.
type ReviewContext struct {
	Cwd          string   `json:"cwd,omitempty"`
	Sandbox      string   `json:"sandbox_mode,omitempty"`
	Approval     string   `json:"approval_policy,omitempty"`
	Network      string   `json:"network,omitempty"`
	Writable     []string `json:"writable_roots,omitempty"`
	DeniedReads  []string `json:"denied_reads,omitempty"` // paths and globs that stay hidden
	RetryReason  string   `json:"retry_reason,omitempty"`
	Instructions string   `json:"project_instructions,omitempty"` // AGENTS.md: trusted
	Descriptions string   `json:"tool_descriptions,omitempty"`    // what an MCP server says of itself: untrusted
	// Transcript is the conversation so far, oldest first, Omitted the entries left out of it.
	Transcript []TranscriptEntry `json:"transcript,omitempty"`
	Omitted    int               `json:"omitted_entries,omitempty"`
}

// The roles of transcript entries. Only users and their recorded approvals can authorise anything.
const (
	RoleUser      = "user"
	RoleApproval  = "approval" // a person approved a refused action, and asks for a retry
	RoleAssistant = "assistant"
	RoleCall      = "tool_call"
	RoleResult    = "tool_result"
)

// TranscriptEntry is one piece of the conversation.
type TranscriptEntry struct {
	// Number is the place in the whole conversation, from 1, also when others are left out; 0 in old records.
	Number int    `json:"n,omitempty"`
	Role   string `json:"role"`
	Tool   string `json:"tool,omitempty"` // for calls and results
	Text   string `json:"text"`
}
