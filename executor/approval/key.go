package approval

import (
	"crypto/sha256"
	"encoding/json"

	"proctor/event"
	"proctor/policy/command"
)

// environment is the place where actions run. There is one; it is part of every key so that a second would share no approvals.
const environment = "local"

// key is what one approval for the session covers.
type key [sha256.Size]byte

// scope is the text of a key: everything that must be equal for an earlier approval to answer.
type scope struct {
	Kind        event.ActionKind   `json:"kind"`
	Environment string             `json:"environment"`
	Command     []string           `json:"command,omitempty"`
	Cwd         string             `json:"cwd,omitempty"`
	TTY         bool               `json:"tty,omitempty"`
	Permissions string             `json:"permissions,omitempty"`
	Additional  *event.Permissions `json:"additional_permissions,omitempty"`
	File        string             `json:"file,omitempty"`
	Server      string             `json:"server,omitempty"`
	Origin      string             `json:"server_origin,omitempty"`
	Tool        string             `json:"tool,omitempty"`
	Arguments   string             `json:"arguments,omitempty"`
	Host        string             `json:"host,omitempty"`
	Port        int                `json:"port,omitempty"`
	Protocol    string             `json:"protocol,omitempty"`
}

// keys are the keys of an action: an earlier approval answers it when every one of them was granted. Actions that
// cannot be approved for the session have none.
//
// Source: reference/codex-sandbox-approvals.md section 6, session cache. MCP calls are ours: with their arguments.
func keys(a event.Action) []key {
	s := scope{Kind: a.Kind, Environment: environment}
	switch a.Kind {
	case event.ActionCommand:
		s.Command, s.Cwd, s.TTY, s.Permissions, s.Additional = canonicalCommand(a.Argv), a.Cwd, a.TTY, a.Permissions, a.Additional
		if len(s.Command) == 0 {
			return nil
		}
	case event.ActionPatch:
		out := make([]key, len(a.Files))
		for i, file := range a.Files {
			s.File = file
			out[i] = s.key()
		}
		return out
	case event.ActionMCP:
		s.Server, s.Origin, s.Tool, s.Arguments = a.Server, a.Origin, a.Tool, a.Arguments
	case event.ActionNetwork:
		s.Host, s.Port, s.Protocol = a.Host, a.Port, a.Protocol
	default:
		return nil
	}
	return []key{s.key()}
}

func (s scope) key() key {
	b, err := json.Marshal(s)
	if err != nil { // unreachable: strings, ints and bools always have a JSON form
		return key{}
	}
	return sha256.Sum256(b)
}

// canonicalCommand is the command that a shell would run when it is one plain command, else the vector as it stands. Two
// spellings of the same words share an approval; two scripts of the same commands in another order do not.
func canonicalCommand(argv []string) []string {
	if p := command.Parse(argv); p.Split && len(p.Parts) == 1 {
		return p.Parts[0].Argv
	}
	return argv
}
