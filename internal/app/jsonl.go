package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/tool"
	"proctor/internal/cli"
)

// jsonl is the machine view: the lines of codex exec --json on standard output.
type jsonl struct{ out, err io.Writer }

type line struct {
	Type     string       `json:"type"`
	ThreadID string       `json:"thread_id,omitempty"`
	Item     any          `json:"item,omitempty"`
	Usage    *event.Usage `json:"usage,omitempty"`
	Error    *lineError   `json:"error,omitempty"`
	Message  string       `json:"message,omitempty"`
}

type lineError struct {
	Message string `json:"message"`
}

func (j jsonl) write(l line) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // ends the line
	enc.SetEscapeHTML(false)   // as codex exec writes it
	if enc.Encode(l) != nil {
		return // the types here always have a JSON form
	}
	_, _ = j.out.Write(b.Bytes()) // a reader that went away does not stop the run; the ledger has it all
}

func (j jsonl) ThreadStarted(id string)     { j.write(line{Type: "thread.started", ThreadID: id}) }
func (j jsonl) TurnStarted()                { j.write(line{Type: "turn.started"}) }
func (j jsonl) ItemStarted(i executor.Item) { j.write(line{Type: "item.started", Item: itemLine(i)}) }
func (j jsonl) ItemUpdated(i executor.Item) { j.write(line{Type: "item.updated", Item: itemLine(i)}) }
func (j jsonl) ItemCompleted(i executor.Item) {
	j.write(line{Type: "item.completed", Item: itemLine(i)})
}
func (j jsonl) Notice(m string) { j.write(line{Type: "error", Message: m}) }

func (j jsonl) TurnCompleted(u event.Usage, _ string) {
	j.write(line{Type: "turn.completed", Usage: &u})
}

// TurnFailed writes two lines, as codex exec does.
func (j jsonl) TurnFailed(m string) {
	j.Notice(m)
	_, _ = fmt.Fprintln(j.err, "ERROR", cli.Plain(m))
	j.write(line{Type: "turn.failed", Error: &lineError{m}})
}

// Refused goes to standard error: the vocabulary of codex exec has no line for it.
func (j jsonl) Refused(m string) { _, _ = fmt.Fprintln(j.err, "REFUSED", cli.Plain(m)) }

// Denied goes there as well.
func (j jsonl) Denied(m string) { _, _ = fmt.Fprintln(j.err, "DENIED", cli.Plain(m)) }

// Told goes there too.
func (j jsonl) Told(m string) { _, _ = fmt.Fprintln(j.err, "HOOK", cli.Plain(m)) }

type (
	textItem struct {
		ID   string            `json:"id"`
		Type executor.ItemType `json:"type"`
		Text string            `json:"text"`
	}
	messageItem struct {
		ID      string            `json:"id"`
		Type    executor.ItemType `json:"type"`
		Message string            `json:"message"`
	}
	commandItem struct {
		ID       string            `json:"id"`
		Type     executor.ItemType `json:"type"`
		Command  string            `json:"command"`
		Output   string            `json:"aggregated_output"`
		ExitCode *int              `json:"exit_code"`
		Status   string            `json:"status"`
	}
	changeItem struct {
		ID      string            `json:"id"`
		Type    executor.ItemType `json:"type"`
		Changes []fileChange      `json:"changes"`
		Status  string            `json:"status"`
	}
	fileChange struct {
		Path string `json:"path"`
		Kind string `json:"kind"`
	}
	mcpItem struct {
		ID        string            `json:"id"`
		Type      executor.ItemType `json:"type"`
		Server    string            `json:"server"`
		Tool      string            `json:"tool"`
		Arguments json.RawMessage   `json:"arguments"`
		Result    *mcpResult        `json:"result"`
		Error     *lineError        `json:"error"`
		Status    string            `json:"status"`
	}
	mcpResult struct {
		Content    []mcpText `json:"content"`
		Structured any       `json:"structured_content"`
	}
	mcpText struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	searchItem struct {
		ID    string            `json:"id"`
		Type  executor.ItemType `json:"type"`
		Query string            `json:"query"`
	}
	todoItem struct {
		ID    string            `json:"id"`
		Type  executor.ItemType `json:"type"`
		Items []todo            `json:"items"`
	}
	todo struct {
		Text      string `json:"text"`
		Completed bool   `json:"completed"`
	}
)

func itemLine(i executor.Item) any {
	switch i.Type {
	case executor.CommandExecution:
		return commandItem{i.ID, i.Type, quoteCommand(i.Argv), i.Output, i.ExitCode, i.Status}
	case executor.FileChange:
		return changeItem{i.ID, i.Type, changes(i.Changes), i.Status}
	case executor.MCPToolCall:
		return mcpLine(i)
	case executor.WebSearch:
		return searchItem{i.ID, i.Type, i.Query}
	case executor.TodoList:
		t := todoItem{ID: i.ID, Type: i.Type, Items: []todo{}}
		for _, s := range i.Steps {
			t.Items = append(t.Items, todo{s.Text, s.Status == "completed"})
		}
		return t
	case executor.Warning:
		return messageItem{i.ID, i.Type, i.Text}
	default:
		return textItem{i.ID, i.Type, i.Text}
	}
}

func changes(cs []tool.Change) []fileChange {
	out := make([]fileChange, len(cs))
	for n, c := range cs {
		out[n] = fileChange{c.Path, c.Kind}
	}
	return out
}

func mcpLine(i executor.Item) mcpItem {
	m := mcpItem{ID: i.ID, Type: i.Type, Server: i.Server, Tool: i.Tool, Arguments: json.RawMessage(i.Arguments), Status: i.Status}
	if !json.Valid(m.Arguments) {
		m.Arguments = json.RawMessage("{}")
	}
	switch {
	case i.Error != "":
		m.Error = &lineError{i.Error}
	case i.Status != "in_progress":
		m.Result = &mcpResult{Content: []mcpText{{"text", i.Result}}}
	}
	return m
}
