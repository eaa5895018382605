package codexhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"unicode/utf8"
)

// MaxPayload bounds what a hook reads, in bytes.
const MaxPayload = 8 << 20

// The events that an answer has an effect on.
const (
	PreToolUse        = "PreToolUse"
	PermissionRequest = "PermissionRequest"
	PostToolUse       = "PostToolUse"
	UserPromptSubmit  = "UserPromptSubmit"
	SessionStart      = "SessionStart"
	SessionEnd        = "SessionEnd"
	Interrupt         = "Interrupt"
	Stop              = "Stop"
)

// Events are all that Codex 0.169.0 takes a command for.
var Events = []string{
	SessionStart, SessionEnd, UserPromptSubmit, PreToolUse, PermissionRequest, PostToolUse, "PreCompact", "PostCompact",
	"SubagentStart", "SubagentStop", Stop, Interrupt,
}

// Payload is what Codex tells. Session, Event and Cwd are always there.
type Payload struct {
	Event      string          `json:"hook_event_name"`
	Session    string          `json:"session_id"`
	Turn       string          `json:"turn_id"`
	Transcript string          `json:"transcript_path"`
	Cwd        string          `json:"cwd"`
	Model      string          `json:"model"`
	Mode       string          `json:"permission_mode"`
	Tool       string          `json:"tool_name"`
	Use        string          `json:"tool_use_id"`
	Input      json.RawMessage `json:"tool_input"`
	Response   json.RawMessage `json:"tool_response"`
	Prompt     string          `json:"prompt"`
	Source     string          `json:"source"`
	Reason     string          `json:"reason"`
	Last       string          `json:"last_assistant_message"`
}

// Parse reads a payload.
func Parse(raw []byte) (Payload, error) {
	var p Payload
	switch {
	case len(raw) > MaxPayload:
		return p, fmt.Errorf("the payload has more than %d bytes", MaxPayload)
	case !utf8.Valid(raw):
		return p, errors.New("the payload is not UTF-8 text")
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return Payload{}, fmt.Errorf("the payload is not what Codex sends: %w", err)
	}
	switch {
	case p.Event == "":
		return Payload{}, errors.New("the payload has no hook_event_name")
	case p.Session == "":
		return Payload{}, errors.New("the payload has no session_id")
	case !filepath.IsAbs(p.Cwd):
		return Payload{}, errors.New("the payload has no absolute cwd")
	case (p.Event == PreToolUse || p.Event == PermissionRequest) && p.Tool == "":
		return Payload{}, errors.New("the payload has no tool_name")
	}
	return p, nil
}

// EventOf is the event that a payload is about, also where the rest of it cannot be read; empty when it does not say.
func EventOf(raw []byte) string {
	var p struct {
		Event string `json:"hook_event_name"`
	}
	if json.Unmarshal(raw, &p) == nil {
		return p.Event
	}
	const member = `"hook_event_name"`
	for _, event := range Events {
		rest := raw
		for {
			i := bytes.Index(rest, []byte(member))
			if i < 0 {
				break
			}
			rest = rest[i+len(member):]
			if bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n:"), []byte(`"`+event+`"`)) {
				return event
			}
		}
	}
	return ""
}
