package reconcile

// Source is who tells of calls.
type Source string

// The sources, the one that saw for itself first.
const (
	Executor  Source = "executor"
	Hooks     Source = "hooks"
	Telemetry Source = "telemetry"
	Stream    Source = "stream" // codex exec --json
	Rollout   Source = "rollout"
)

// Class is what kind of call it is.
type Class string

// The classes.
const (
	Command Class = "command"
	Patch   Class = "patch"
	MCP     Class = "mcp"
	Other   Class = "other" // of the agent itself: terminal input, plans, images, tools that do not exist
)

// Outcome is how a call ended, as far as a source tells.
type Outcome string

// The outcomes; empty where it is not told, or not yet.
const (
	Done    Outcome = "done"    // carried out, exit status 0 or completed
	Failed  Outcome = "failed"  // carried out, or not even begun
	Refused Outcome = "refused" // not carried out
)

// Call is one call, as one source tells of it.
type Call struct {
	ID    string `json:"call"`
	Class Class  `json:"class"`
	// What is the script of a command, the names of the files of a patch, or tool and arguments; empty when it is not known.
	What string `json:"what"`
	// Files are what a patch names or changed, absolute or below the working folder.
	Files   []string `json:"files,omitempty"`
	Outcome Outcome  `json:"outcome,omitempty"`
	Exit    *int     `json:"exit_code,omitempty"`
	// Ran: the source tells that it was carried out.
	Ran bool `json:"ran,omitempty"`
	// NoItem: the rollout has what the model was told and no item of its own. Codex drops that of a command which fails at once, also
	// from the stream.
	NoItem bool `json:"no_item,omitempty"`
	// Vague: something of What was masked or cut, so that it is not compared.
	Vague bool `json:"vague,omitempty"`
}

// Told is what one source tells of a thread.
type Told struct {
	Source Source `json:"source"`
	Calls  []Call `json:"calls"`
	// Written are the files that the executor wrote for the agent, in order; of the executor alone.
	Written []string `json:"written,omitempty"`
}
