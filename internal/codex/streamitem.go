package codex

import (
	"fmt"
	"strings"

	"proctor/event"
)

func (m *stream) item(line object, done bool) error {
	var err error
	o := line.inner("item", &err)
	kind := o.text("type", &err)
	if err != nil {
		return err
	}
	switch kind {
	case "agent_message", "reasoning", "error":
		return m.message(kind, o, done)
	case "":
		return fmt.Errorf("%w: item has no type", errShape)
	}
	result, changes, err := m.tool(kind, o)
	if err != nil {
		return err
	}
	if result == nil {
		count(m.sum.UnknownItems, kind)
		return nil
	}
	if !done {
		return m.started(o.id(), result)
	}
	return m.ended(o.id(), result, changes)
}

// message: such items come completed only. Reasoning and warnings are texts for the user too.
func (m *stream) message(kind string, o object, done bool) error {
	var err error
	field, phase := "text", ""
	switch kind {
	case "reasoning":
		phase = "reasoning"
	case "error":
		field, phase = "message", "warning"
	}
	text := o.text(field, &err)
	if err != nil || !done {
		return err
	}
	if kind == "agent_message" && m.turn != nil {
		m.turn.message = strings.ToValidUTF8(text[:min(len(text), maxText)], "")
	}
	return m.notice(phase, clipLabel(o.id()), text)
}

// tool reads a call; the result is nil for an unknown type.
func (m *stream) tool(kind string, o object) (*event.ToolResultPayload, []*event.FileChangePayload, error) {
	var err error
	r := &event.ToolResultPayload{ToolName: kind, Status: status(o.text("status", &err))}
	var changes []*event.FileChangePayload
	switch kind {
	case "command_execution":
		o.get("exit_code", &r.ExitCode, &err)
		r.Output, r.OutputTruncated = m.output(o.text("aggregated_output", &err))
		r.Arguments = m.members(o, "command")
		// -1 stands for a command that Codex ended itself, see reference/codex-network-proxy.md section 6.
		r.Success = r.ExitCode != nil && *r.ExitCode != -1
	case "file_change":
		r.Arguments, r.Success = m.members(o, "changes"), r.Status == "completed"
		changes = m.changes(o, r.Status, &err)
	case "mcp_tool_call":
		r.ToolName, r.MCPServer = clipLabel(o.text("tool", &err)), clipLabel(o.text("server", &err))
		r.Arguments, r.Success = m.raw(o.fields["arguments"]), r.Status == "completed"
		r.Output, r.OutputTruncated = m.output(mcpOutput(o, &err))
	case "web_search":
		r.Arguments, r.Success = m.members(o, "query", "action"), true
	case "todo_list":
		r.Arguments, r.Success = m.members(o, "items"), true
	case "collab_tool_call":
		r.ToolName = clipLabel(o.text("tool", &err))
		r.Arguments, r.Success = m.members(o, "sender_thread_id", "receiver_thread_ids", "prompt", "agents_states"), r.Status == "completed"
	default:
		return nil, nil, nil
	}
	return r, changes, err
}

// status translates the words of items; absent means that the line itself says completed.
func status(word string) string {
	switch word {
	case "":
		return "completed"
	case "declined":
		return "refused"
	case "in_progress":
		return "running"
	}
	return clipLabel(word)
}

// changes are real only when the patch went through.
func (m *stream) changes(o object, status string, err *error) []*event.FileChangePayload {
	var list []struct {
		Path string `json:"path"`
		Kind string `json:"kind"`
	}
	o.get("changes", &list, err)
	if *err != nil || status != "completed" {
		return nil
	}
	if len(list) > maxChanges {
		m.sum.DroppedChanges += len(list) - maxChanges
		list = list[:maxChanges]
	}
	var out []*event.FileChangePayload
	for _, c := range list {
		path, _ := m.cut(c.Path, maxPath)
		out = append(out, &event.FileChangePayload{Path: path, Change: clipLabel(c.Kind)})
	}
	return out
}

// mcpOutput is the message of a refusal, else the JSON of the result.
func mcpOutput(o object, err *error) string {
	if message := o.inner("error", err).text("message", err); message != "" {
		return message
	}
	if result := o.fields["result"]; string(result) != "null" {
		return string(result)
	}
	return ""
}
