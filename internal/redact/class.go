package redact

import "proctor/event"

// class says how a sensitive field is treated; the zero class never leaves.
type class int

const (
	kept class = iota
	prompt
	answer
	rationale
	tool
	output
	plain
)

// gateRules names the rule of a receipt when the gate of a class is closed.
var gateRules = [...]string{prompt: "prompt", answer: "answer", rationale: "rationale", tool: "tool_content", output: "tool_content", plain: "metadata"}

// classes lists the sensitive fields that may leave. Everything else is kept, among
// them: facts and action of tool_decision (the digest leaves, the evidence file has
// the rest), settings, plans, reviewer context, deltas, history items, output chunks, what the proxy passes on.
var classes = map[event.Kind]map[string]class{
	event.ConversationStarts: {"cwd": plain},
	event.UserPrompt:         {"prompt": prompt},
	event.ToolDecision:       {"message": tool},
	event.ToolResult:         {"arguments": tool, "output": output},
	event.AgentResponse:      {"response": answer},
	event.GuardianAssessment: {"rationale": rationale},
	event.StreamRetry:        {"message": plain},
	event.HookRun:            {"command": plain, "stdout": output, "stderr": output},
	event.ApprovalRequested:  {"action": tool, "amendment": tool},
	event.ApprovalDecided:    {"rationale": rationale},
	event.ApprovalVoted:      {"rationale": rationale},
	event.OverrideGranted:    {"rationale": rationale},
	event.GrantRevoked:       {"rationale": rationale},
	event.ExecStarted:        {"argv": tool, "cwd": plain, "permissions": plain},
	event.ExecInput:          {"input": tool},
	event.FileChange:         {"diff": tool},
	event.TurnCompleted:      {"error": plain, "last_message": answer},
	event.ModelEnded:         {"error": plain},
}

// required lists the texts that the CLI exports even when they are empty.
var required = map[event.Kind]map[string]bool{
	event.UserPrompt:    {"prompt": true},
	event.ToolResult:    {"arguments": true, "output": true},
	event.AgentResponse: {"response": true},
}

// cutFlags names the attribute that says that a text was cut.
var cutFlags = map[string]string{
	"output": "output_truncated", "response": "response_truncated",
	"rationale": "rationale_truncated", "diff": "diff_truncated",
}

// verbatim lists public text fields that must leave byte for byte: a signed note.
var verbatim = map[event.Kind]map[string]bool{event.Checkpoint: {"note": true}}
