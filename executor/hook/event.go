package hook

import "time"

// Event is a moment at which hooks are called, by its name in configuration.
type Event string

// The events that happen here.
const (
	SessionStart      Event = "SessionStart"
	UserPromptSubmit  Event = "UserPromptSubmit"
	PreToolUse        Event = "PreToolUse"
	PermissionRequest Event = "PermissionRequest"
	PostToolUse       Event = "PostToolUse"
	Stop              Event = "Stop"
	SessionEnd        Event = "SessionEnd"
)

// Default times. SessionEnd and Interrupt hold the end of a run, so they get little.
const (
	defaultTimeout = 600 * time.Second
	endTimeout     = time.Second
	maxEndTimeout  = 3 * time.Second
	maxTimeout     = 24 * time.Hour
)

// traits of an event.
type traits struct {
	label   string // in keys and hashes
	matcher bool   // groups may narrow by a matcher
	context bool   // an answer may add to the conversation
	gates   bool   // an answer may forbid what is about to happen
	here    bool   // it happens here
	ending  bool   // see endTimeout
}

var events = map[Event]traits{
	SessionStart:       {label: "session_start", matcher: true, context: true, here: true},
	UserPromptSubmit:   {label: "user_prompt_submit", context: true, gates: true, here: true},
	PreToolUse:         {label: "pre_tool_use", matcher: true, context: true, gates: true, here: true},
	PermissionRequest:  {label: "permission_request", matcher: true, gates: true, here: true},
	PostToolUse:        {label: "post_tool_use", matcher: true, context: true, here: true},
	Stop:               {label: "stop", here: true},
	SessionEnd:         {label: "session_end", matcher: true, here: true, ending: true},
	"PreModelRequest":  {label: "pre_model_request", gates: true},
	"PostModelRequest": {label: "post_model_request"},
	"PreCompact":       {label: "pre_compact", matcher: true},
	"PostCompact":      {label: "post_compact", matcher: true},
	"SubagentStart":    {label: "subagent_start", matcher: true, context: true},
	"SubagentStop":     {label: "subagent_stop", matcher: true},
	"Interrupt":        {label: "interrupt", ending: true},
}

// Gates reports whether a hook of the event may forbid what is about to happen.
func (e Event) Gates() bool { return events[e].gates }

// Happens reports whether the event occurs in this program; hooks of the others are never called.
func (e Event) Happens() bool { return events[e].here }
