package codex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"proctor/event"
)

// openItem is a call that was started.
type openItem struct {
	number    int // order of appearance
	draft     event.Draft
	result    *event.ToolResultPayload
	turnEnded bool
}

const (
	// maxOpen bounds the calls held until they end; a further one, or one without id, is told of at once, as running.
	maxOpen = 256
	// maxChanges bounds the file changes of one item.
	maxChanges = 10_000
)

func (m *importer) item(line object, done bool) error {
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
func (m *importer) message(kind string, o object, done bool) error {
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

// place is the envelope of a call that appears now.
func (m *importer) place(id string) event.Draft {
	if id == "" {
		id = fmt.Sprintf("line-%d", m.sum.Lines)
	}
	if m.turn == nil {
		return event.Draft{Call: Mark + clipLabel(id), Cause: m.start}
	}
	m.turn.calls++
	return event.Draft{Turn: m.turn.id, Call: m.turn.id + "-" + clipLabel(id), Cause: m.turn.event}
}

func (m *importer) started(id string, r *event.ToolResultPayload) error {
	if i, again := m.open[id]; again {
		i.result = r // an update: the latest state counts
		return nil
	}
	i := &openItem{number: m.sum.Lines, draft: m.place(id), result: r}
	if id != "" && len(m.open) < maxOpen {
		m.open[id] = i
		return nil
	}
	m.sum.OpenItems++
	r.Status = "running"
	return m.result(i.draft, r)
}

func (m *importer) ended(id string, r *event.ToolResultPayload, changes []*event.FileChangePayload) error {
	i, known := m.open[id]
	if !known {
		i = &openItem{draft: m.place(id)}
	}
	delete(m.open, id)
	for _, c := range changes {
		d := i.draft
		d.Payload = c
		if err := m.send(d); err != nil {
			return err
		}
	}
	return m.result(i.draft, r)
}

func (m *importer) result(d event.Draft, r *event.ToolResultPayload) error {
	m.results++
	r.ResultSeq, r.CallID, r.AgentName = m.results, d.Call, Source
	d.Payload = r
	return m.send(d)
}

// closeItems tells of calls that were started and never ended.
func (m *importer) closeItems() error {
	left := make([]*openItem, 0, len(m.open))
	for _, i := range m.open {
		left = append(left, i)
	}
	clear(m.open)
	slices.SortFunc(left, func(a, b *openItem) int { return a.number - b.number })
	for _, i := range left {
		m.sum.OpenItems++
		i.result.Success, i.result.Status = false, "interrupted"
		if i.turnEnded {
			i.result.Status = "running"
		}
		if err := m.result(i.draft, i.result); err != nil {
			return err
		}
	}
	return nil
}

// tool reads a call; the result is nil for an unknown type.
func (m *importer) tool(kind string, o object) (*event.ToolResultPayload, []*event.FileChangePayload, error) {
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
func (m *importer) changes(o object, status string, err *error) []*event.FileChangePayload {
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

func (m *importer) output(s string) (event.Sensitive, bool) {
	s, cut := m.cut(s, maxText)
	return event.Secret(s), cut
}

// members is a JSON object of some members of o, as they stand.
func (m *importer) members(o object, names ...string) event.Sensitive {
	var b strings.Builder
	for _, name := range names {
		if raw, ok := o.fields[name]; ok {
			sep := ","
			if b.Len() == 0 {
				sep = "{"
			}
			fmt.Fprintf(&b, "%s%q:%s", sep, name, raw)
		}
	}
	if b.Len() == 0 {
		return event.Sensitive{}
	}
	return m.raw(json.RawMessage(b.String() + "}"))
}

// raw keeps JSON without its blanks; arguments above the bound are cut.
func (m *importer) raw(raw json.RawMessage) event.Sensitive {
	if len(raw) == 0 || string(raw) == "null" {
		return event.Sensitive{}
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil { // unreachable: it was parsed before
		return event.Sensitive{}
	}
	s, _ := m.cut(b.String(), maxArguments)
	return event.Secret(s)
}
