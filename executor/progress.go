package executor

import (
	"proctor/event"
	"proctor/executor/tool"
)

// Progress shows a run to whoever started it. Calls come one at a time. It is a
// view: what must not be lost is in the ledger.
type Progress interface {
	ThreadStarted(session string)
	TurnStarted()
	ItemStarted(Item)
	ItemUpdated(Item)
	ItemCompleted(Item)
	TurnCompleted(thread event.Usage, lastMessage string)
	TurnFailed(message string)
	// Notice is about something that went wrong and may still be mended, as a retry is.
	Notice(message string)
	// Refused is about a call that was not allowed, Denied about a system call that confinement refused.
	Refused(message string)
	Denied(message string)
	// Told is about a hook: what it wants a person to know, or that it gave no answer.
	Told(message string)
}

// ItemType is what an item shows.
type ItemType string

// The item types of `codex exec --json`.
const (
	AgentMessage     ItemType = "agent_message"
	Reasoning        ItemType = "reasoning"
	CommandExecution ItemType = "command_execution"
	FileChange       ItemType = "file_change"
	MCPToolCall      ItemType = "mcp_tool_call"
	WebSearch        ItemType = "web_search"
	TodoList         ItemType = "todo_list"
	Warning          ItemType = "error"
)

// Item is one thing shown. ID is item_0, item_1, ... in order of first appearance.
type Item struct {
	ID   string
	Type ItemType
	// Text belongs to messages, reasoning and warnings.
	Text string
	// Argv, Cwd, Output, ExitCode and Millis belong to commands.
	Argv     []string
	Cwd      string
	Output   string
	ExitCode *int
	Millis   int64
	// Status is in_progress, completed, failed or declined.
	Status string
	// Changes belong to patches.
	Changes []tool.Change
	// Server, Tool, Arguments, Result and Error belong to MCP calls; Error says why there is no result, Refused that the
	// call was not made.
	Server, Tool, Arguments string
	Result, Error           string
	Refused                 bool
	// Query belongs to web searches.
	Query string
	Steps []tool.Step
}

// Status words of items.
const (
	inProgress = "in_progress"
	completed  = "completed"
	failed     = "failed"
	declined   = "declined"
)
