package event

import (
	"crypto/sha256"
	"encoding/json"
)

// ActionKind is what an agent may ask for.
type ActionKind string

// The kinds of action.
const (
	ActionCommand     ActionKind = "command"
	ActionStdin       ActionKind = "write_stdin"
	ActionPatch       ActionKind = "apply_patch"
	ActionRead        ActionKind = "read" // view_image
	ActionPlan        ActionKind = "plan" // update_plan: no effect outside the session
	ActionNetwork     ActionKind = "network_access"
	ActionMCP         ActionKind = "mcp_tool_call"
	ActionElicitation ActionKind = "mcp_elicitation" // a server asks the user something
	ActionPermissions ActionKind = "request_permissions"
)

// How a command asks to run.
const (
	UseDefault       = "use_default"
	RequireEscalated = "require_escalated"
	WithAdditional   = "with_additional_permissions"
)

// Action is exactly what an agent asks to do. Approvals are bound to its [Action.Digest]:
// the executor runs nothing with another digest than the one that was decided.
type Action struct {
	Kind ActionKind `json:"kind"`
	Tool string     `json:"tool"`
	// Argv, Cwd, EnvNames, TTY and Permissions belong to commands; EnvNames is sorted.
	Argv        []string `json:"argv,omitempty"`
	Cwd         string   `json:"cwd,omitempty"`
	EnvNames    []string `json:"env_names,omitempty"`
	TTY         bool     `json:"tty,omitempty"`
	Permissions string   `json:"permissions,omitempty"`
	// Additional are the rights that a command, or a request for permissions, asks for on top.
	Additional *Permissions `json:"additional_permissions,omitempty"`
	// Process and Input belong to write_stdin.
	Process int    `json:"process,omitempty"`
	Input   string `json:"input,omitempty"`
	// Patch is the whole patch text; Files are the absolute paths it touches.
	Patch string   `json:"patch,omitempty"`
	Files []string `json:"files,omitempty"`
	// Host, Port and Protocol belong to network access.
	Host     string `json:"host,omitempty"`
	Port     int    `json:"port,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	// Server, Origin and Arguments belong to MCP calls: the configured name, the command line or URL behind it, the raw JSON.
	Server    string `json:"server,omitempty"`
	Origin    string `json:"server_origin,omitempty"`
	Arguments string `json:"arguments,omitempty"`
	// Plan is the digest of the confinement the action runs under, see filesystem.Plan.
	Plan string `json:"plan,omitempty"`
	// Justification is the model's reason. It does not change what happens, so the digest leaves it out.
	Justification string `json:"justification,omitempty"`
}

// Digest is SHA-256 over the JSON form of a without its justification.
func (a Action) Digest() Hash {
	a.Justification = ""
	b, err := json.Marshal(a)
	if err != nil { // unreachable: strings, ints and bools always have a JSON form
		return Hash{}
	}
	return sha256.Sum256(b)
}
