package event

// HookRunPayload is what came of one hook for one event. It is committed before its answer has an effect.
type HookRunPayload struct {
	HookEvent string `json:"hook_event"` // PreToolUse, ...
	Hook      string `json:"hook"`       // FILE:EVENT:GROUP:INDEX
	Source    string `json:"source"`     // layer of the configuration
	Trust     string `json:"trust"`      // why it ran: managed, trusted, bypassed; or why not: untrusted, modified, disabled, managed_only
	Hash      string `json:"hash"`       // of its definition
	// Outcome is none, allow, deny, rewrite, context, halt, failed or skipped.
	Outcome string `json:"outcome"`
	// Failure says why there was no answer; FailedClosed, that this counts as an objection.
	Failure      string `json:"failure,omitempty"`
	FailedClosed bool   `json:"failed_closed,omitempty"`
	Async        bool   `json:"async,omitempty"`
	ExitCode     *int   `json:"exit_code,omitempty"`
	Duration     int64  `json:"duration_ms"`
	// Command, and the beginning of what it wrote; OutputBytes counts all that was read.
	Command     Sensitive `json:"command,omitzero"`
	Stdout      Sensitive `json:"stdout,omitzero"`
	Stderr      Sensitive `json:"stderr,omitzero"`
	OutputBytes int       `json:"output_bytes,omitempty"`
}

// Kind implements Payload.
func (*HookRunPayload) Kind() Kind { return HookRun }
