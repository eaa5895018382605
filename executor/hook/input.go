package hook

import "encoding/json"

// Input is what hooks are told, and the standard input of their programs.
type Input struct {
	Event Event
	// Session, Turn, Cwd and Model say where; Mode is "default", or "bypassPermissions" when nobody is ever asked.
	Session, Turn, Cwd, Model, Mode string
	// Tool is what the call is named, Aliases what it answers to besides; Use is the id of the call. Arguments and Response are JSON.
	Tool      string
	Aliases   []string
	Use       string
	Arguments json.RawMessage
	Response  json.RawMessage
	// Prompt of UserPromptSubmit, Source of SessionStart, Reason of SessionEnd, Last message and Active of Stop.
	Prompt, Source, Reason, Last string
	Active                       bool
}

// common are the fields of every event; transcript_path is null, since the ledger keeps what was said.
type common struct {
	Session    string  `json:"session_id"`
	Turn       string  `json:"turn_id,omitempty"`
	Transcript *string `json:"transcript_path"`
	Cwd        string  `json:"cwd"`
	Event      Event   `json:"hook_event_name"`
	Model      string  `json:"model"`
	Mode       string  `json:"permission_mode,omitempty"`

	Tool      string          `json:"tool_name,omitempty"`
	Arguments json.RawMessage `json:"tool_input,omitempty"`
	Response  json.RawMessage `json:"tool_response,omitempty"`
	Use       string          `json:"tool_use_id,omitempty"`

	Prompt *string `json:"prompt,omitempty"`
	Source string  `json:"source,omitempty"`
	Reason string  `json:"reason,omitempty"`
	Active *bool   `json:"stop_hook_active,omitempty"`
	Last   *string `json:"last_assistant_message,omitempty"`
}

// JSON is the payload, one object on one line.
func (in Input) JSON() []byte {
	c := common{
		Session: in.Session, Turn: in.Turn, Cwd: in.Cwd, Event: in.Event, Model: in.Model, Mode: in.Mode,
		Tool: in.Tool, Arguments: in.Arguments, Response: in.Response, Use: in.Use, Source: in.Source, Reason: in.Reason,
	}
	switch in.Event {
	case UserPromptSubmit:
		c.Prompt = &in.Prompt
	case Stop:
		c.Active, c.Last = &in.Active, &in.Last
	case PermissionRequest: // it comes without the id of the call
		c.Use = ""
	case SessionEnd:
		c.Model, c.Mode = "", ""
	default: // the fields above are all there is
	}
	b, err := json.Marshal(c)
	if err != nil { // only arguments that are no JSON get here
		c.Arguments, c.Response = nil, nil
		b, _ = json.Marshal(c)
	}
	return append(b, '\n')
}

// subjects are what the matcher of a group is compared with.
func (in Input) subjects() []string {
	switch in.Event {
	case SessionStart:
		return []string{in.Source}
	case SessionEnd:
		return []string{in.Reason}
	default:
		return append([]string{in.Tool}, in.Aliases...)
	}
}
