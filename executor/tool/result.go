package tool

import (
	"encoding/json"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
)

// Result is how a call ended.
type Result struct {
	// Output is the text for the model.
	Output string
	// Items replace Output as the content for the model when there are any, e.g. input_image objects.
	Items []json.RawMessage
	// Success: the tool itself worked. It says nothing about the exit code.
	Success bool
	// Unanswered: an MCP server gave no result, Output says why.
	Unanswered bool
	// Truncated: Output was cut.
	Truncated bool
	// ExitCode is set when a process ended: its status, or 128 plus the signal.
	ExitCode *int
	// Running is the session id of a process that goes on, 0 for none.
	Running int
	// Denials counts what confinement or the plan refused, DenialsDropped those of them that Observer.Denied was not told.
	Denials, DenialsDropped int
	// ChangesOmitted counts changed files that Observer.Changed was not told.
	ChangesOmitted int
	// Backend is what confined the process, and Exact whether refused calls were watched; empty and false without a process.
	Backend  string
	Exact    bool
	Duration time.Duration
	// Aggregated is everything the process wrote so far, at most MaxAggregated bytes and the mark of the cut.
	Aggregated string
	// Changes are the files that were changed, also when Success is false.
	Changes []Change
}

// Change is one changed file.
type Change struct {
	Path   string // absolute
	Kind   string // add, update, delete
	MoveTo string // absolute new path of a renamed file
}

// Observer hears what happens while a proposal runs, and afterwards for processes in the background.
// Its methods may be called from several goroutines; they may block, which holds the process back.
type Observer interface {
	// Output gets each piece as it arrives; it must not keep p.
	Output(stream sandbox.Stream, p []byte)
	// Denied gets each refused access.
	Denied(sandbox.Denial)
	// Changed gets each changed file: right after the change, or, when a command changed it, when that has ended.
	Changed(event.FileChangePayload)
	// Ended is called once for a process that went to the background (Result.Running), when it ended,
	// after its last Output and before a write_stdin that sees the end returns.
	Ended(Result)
}
