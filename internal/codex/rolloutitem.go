package codex

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"proctor/event"
)

// responseItem reads what the model said and was told. Calls begin here; they end with an item, or with their output where Codex makes
// no item of them: refused ones, terminal input, images.
func (m *rollout) responseItem(p object) error {
	var err error
	kind, id := p.text("type", &err), p.text("call_id", &err)
	if err != nil {
		return err
	}
	switch kind {
	case "function_call", "custom_tool_call":
		r := &event.ToolResultPayload{ToolName: clipLabel(p.text("name", &err)), ToolNamespace: clipLabel(p.text("namespace", &err))}
		arguments := p.text("arguments", &err) + p.text("input", &err)
		if err != nil {
			return err
		}
		arguments, _ = m.cut(arguments, maxArguments)
		r.Arguments = event.Secret(arguments)
		return m.started(id, r)
	case "function_call_output", "custom_tool_call_output":
		i, known := m.open[id]
		if known && i.told {
			delete(m.open, id)
			return nil
		}
		output := p.text("output", &err)
		if err != nil { // parts, as of an image
			err, output = nil, string(p.fields["output"])
		}
		if !known {
			i = &openItem{draft: m.place(id), result: &event.ToolResultPayload{ToolName: kind}}
		}
		i.told = true
		r := *i.result // how it ended is not told: no status
		r.Output, r.OutputTruncated = m.output(output)
		return m.result(i.draft, &r)
	}
	return nil
}

// item reads a finished item.
func (m *rollout) item(o object, err *error) error {
	kind, id := o.text("type", err), o.id()
	if *err != nil {
		return *err
	}
	switch kind {
	case "UserMessage":
		text := texts(o, "content", err)
		if *err != nil {
			return *err
		}
		return m.send(draft{payload: &event.UserPromptPayload{Length: utf8.RuneCountInString(text), Prompt: m.secret(text)}})
	case "AgentMessage":
		text, phase := texts(o, "content", err), o.text("phase", err)
		if *err != nil {
			return *err
		}
		if m.turn != nil {
			m.turn.message = strings.ToValidUTF8(text[:min(len(text), maxText)], "")
		}
		return m.notice(clipLabel(phase), id, text)
	case "Reasoning":
		var parts []string
		o.get("summary_text", &parts, err)
		if *err != nil {
			return *err
		}
		return m.notice("reasoning", id, strings.Join(parts, "\n"))
	case "CommandExecution", "FileChange", "McpToolCall", "WebSearch":
		return m.call(kind, id, o, err)
	}
	count(m.sum.UnknownItems, kind)
	return nil
}

// call ends a call with its item; the name and arguments are those of the model where it told them.
func (m *rollout) call(kind, id string, o object, err *error) error {
	r := &event.ToolResultPayload{Status: status(strings.ToLower(o.text("status", err)))}
	if r.Status == "inprogress" {
		r.Status = "running"
	}
	var took struct{ Secs, Nanos int64 }
	o.get("duration", &took, err)
	if took.Secs >= 0 && took.Secs < 1<<32 {
		r.Duration = time.Duration(took.Secs*1e9 + took.Nanos%1e9).Milliseconds()
	}
	var changes []*event.FileChangePayload
	switch kind {
	case "CommandExecution":
		r.ToolName, r.Arguments = "exec_command", m.members(o, "command", "cwd")
		o.get("exit_code", &r.ExitCode, err)
		r.Output, r.OutputTruncated = m.output(o.text("aggregated_output", err))
		r.Success = r.ExitCode != nil && *r.ExitCode != -1
	case "FileChange":
		r.ToolName, r.Success = "apply_patch", r.Status == "completed"
		r.Output, r.OutputTruncated = m.output(o.text("stdout", err) + o.text("stderr", err))
		changes = m.changes(o, r.Status, err)
	case "McpToolCall":
		r.ToolName, r.MCPServer, r.Arguments = clipLabel(o.text("tool", err)), clipLabel(o.text("server", err)), m.raw(o.fields["arguments"])
		r.Success = r.Status == "completed"
		r.Output, r.OutputTruncated = m.output(mcpOutput(o, err))
	case "WebSearch":
		r.ToolName, r.Success, r.Arguments = "web_search", true, m.members(o, "query", "action")
	}
	if *err != nil {
		return *err
	}
	i, known := m.open[id]
	if !known {
		return m.endedAs(m.place(id), r, changes)
	}
	if i.result.ToolName != "" {
		r.ToolName, r.ToolNamespace = i.result.ToolName, i.result.ToolNamespace
	}
	if !i.result.Arguments.IsZero() {
		r.Arguments = i.result.Arguments
	}
	if i.told {
		delete(m.open, id)
	}
	i.told = true
	return m.endedAs(i.draft, r, changes)
}

// maxDiff bounds the diff of one file, as that of our own patches.
const maxDiff = 64 << 10

// changes of a rollout are by path, with the text.
func (m *rollout) changes(o object, status string, err *error) []*event.FileChangePayload {
	var list map[string]struct {
		Type    string `json:"type"`
		Content string `json:"content"`
		Diff    string `json:"unified_diff"`
		MoveTo  string `json:"move_path"`
	}
	o.get("changes", &list, err)
	if *err != nil || status != "completed" {
		return nil
	}
	paths := slices.Sorted(maps.Keys(list))
	if len(paths) > maxChanges {
		m.sum.DroppedChanges += len(paths) - maxChanges
		paths = paths[:maxChanges]
	}
	var out []*event.FileChangePayload
	for _, name := range paths {
		c := list[name]
		path, _ := m.cut(name, maxPath)
		moved, _ := m.cut(c.MoveTo, maxPath)
		diff, cut := m.cut(c.Diff+c.Content, maxDiff)
		out = append(out, &event.FileChangePayload{Path: path, Change: clipLabel(c.Type), MoveTo: moved, Diff: event.Secret(diff), Cut: cut})
	}
	return out
}
