package config

// Layer names one source of settings.
type Layer string

// The layers, weakest first. Command is what the command itself imposes (a
// headless run never asks).
const (
	LayerDefault      Layer = "default"
	LayerSystem       Layer = "system"
	LayerUser         Layer = "user"
	LayerProfile      Layer = "profile"
	LayerProject      Layer = "project"
	LayerFlag         Layer = "flag"
	LayerManaged      Layer = "managed"
	LayerCommand      Layer = "command"
	LayerRequirements Layer = "requirements"
)

// Origin is where a value was written. File is a path, or the flag as typed for
// LayerFlag, or empty; Line and Column begin at 1, 0 = none.
type Origin struct {
	Layer  Layer  `json:"layer"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Constraint tells how a requirement, or the command, settled a key.
type Constraint struct {
	Origin     Origin `json:"origin"`
	Rule       string `json:"rule"`       // key of the requirement
	Configured any    `json:"configured"` // what the layers said, secrets masked; nil = nothing
}

// Setting is one effective value with its origin, as config show prints it.
type Setting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"` // secrets masked
	Origin Origin `json:"origin"`

	Constraint *Constraint `json:"constraint,omitempty"` // of an effective value
}

// Explanation is everything known about one key.
type Explanation struct {
	Key        string      `json:"key"`
	KeyInfo                // what the schemas know
	Value      any         `json:"value"` // effective, secrets masked; nil = unset
	Origin     Origin      `json:"origin"`
	Candidates []Setting   `json:"candidates"` // every layer that sets it, strongest first
	Constraint *Constraint `json:"constraint,omitempty"`
}
