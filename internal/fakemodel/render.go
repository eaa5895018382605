package fakemodel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Shapes of stream events, with the fields in the order in which they are sent.
type (
	event struct {
		Type         string  `json:"type"`
		Response     any     `json:"response,omitempty"`
		ItemID       string  `json:"item_id,omitempty"`
		OutputIndex  *int    `json:"output_index,omitempty"`
		ContentIndex *int    `json:"content_index,omitempty"`
		SummaryIndex *int    `json:"summary_index,omitempty"`
		Delta        *string `json:"delta,omitempty"`
		Item         any     `json:"item,omitempty"`
	}
	response struct {
		ID     string         `json:"id"`
		Status string         `json:"status"`
		Usage  *responseUsage `json:"usage,omitempty"`
		Error  any            `json:"error,omitempty"`
	}
	responseUsage struct {
		Input         int64         `json:"input_tokens"`
		InputDetails  inputDetails  `json:"input_tokens_details"`
		Output        int64         `json:"output_tokens"`
		OutputDetails outputDetails `json:"output_tokens_details"`
		Total         int64         `json:"total_tokens"`
	}
	inputDetails struct {
		Cached     int64 `json:"cached_tokens"`
		CacheWrite int64 `json:"cache_write_tokens"`
	}
	outputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	}
	failure struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	message struct {
		Type    string `json:"type"`
		ID      string `json:"id"`
		Role    string `json:"role"`
		Status  string `json:"status"`
		Phase   string `json:"phase,omitempty"`
		Content []text `json:"content"`
	}
	text struct {
		Type        string  `json:"type"`
		Text        string  `json:"text"`
		Annotations *[]bool `json:"annotations,omitempty"` // always empty
	}
	reasoning struct {
		Type      string `json:"type"`
		ID        string `json:"id"`
		Summary   []text `json:"summary"`
		Encrypted string `json:"encrypted_content,omitempty"`
	}
	toolCall struct {
		Type      string  `json:"type"`
		ID        string  `json:"id"`
		CallID    string  `json:"call_id"`
		Name      string  `json:"name"`
		Namespace string  `json:"namespace,omitempty"`
		Arguments *string `json:"arguments,omitempty"`
		Input     *string `json:"input,omitempty"`
		Status    string  `json:"status"`
	}
)

// renderer writes the events of one step.
type renderer struct {
	out io.Writer
	// id gives the next id with a prefix.
	id func(prefix string) string
	// pause is called after each event.
	pause func() error

	index int // of the next output item
	err   error
}

// step writes a whole stream up to its end.
func (r *renderer) step(s Step) error {
	responseID := r.id("resp")
	r.send(event{Type: "response.created", Response: response{ID: responseID, Status: "in_progress"}})
	for _, part := range s.Parts {
		r.part(part)
	}
	switch s.End {
	case "", EndCompleted:
		r.send(event{Type: "response.completed", Response: response{ID: responseID, Status: "completed", Usage: usage(s.Usage)}})
	case EndFailed:
		var problem any = failure{Code: "server_error", Message: "scripted failure"}
		if s.Failed != nil {
			problem = s.Failed
		}
		r.send(event{Type: "response.failed", Response: response{ID: responseID, Status: "failed", Error: problem}})
	}
	return r.err
}

func (r *renderer) part(p Part) {
	switch {
	case p.Raw != "":
		r.write([]byte(p.Raw))
	case p.Event != nil:
		r.event(p.Event)
	case p.Item != nil:
		r.done(p.Item)
	case p.Reason != "":
		r.reason(p)
	case p.Call != "":
		arguments := arguments(p.Args)
		r.done(toolCall{Type: "function_call", ID: r.id("fc"), CallID: r.callID(p), Name: p.Call, Namespace: p.Namespace, Arguments: &arguments, Status: "completed"})
	case p.Custom != "":
		r.done(toolCall{Type: "custom_tool_call", ID: r.id("ctc"), CallID: r.callID(p), Name: p.Custom, Namespace: p.Namespace, Input: &p.Input, Status: "completed"})
	default:
		r.say(p)
	}
}

func (r *renderer) say(p Part) {
	item := message{Type: "message", ID: r.id("msg"), Role: "assistant", Status: "in_progress", Phase: p.Phase, Content: []text{}}
	r.send(event{Type: "response.output_item.added", OutputIndex: &r.index, Item: item})
	full := r.deltas(item.ID, p)
	item.Status = "completed"
	item.Content = []text{{Type: "output_text", Text: full, Annotations: &[]bool{}}}
	r.done(item)
}

// deltas sends the text in pieces and returns it as sent.
func (r *renderer) deltas(itemID string, p Part) string {
	n := max(p.Deltas, 1)
	runes := []rune(p.Say)
	if missing := n - len(runes); p.Deltas > 0 && missing > 0 {
		runes = append(runes, []rune(strings.Repeat(".", missing))...)
	}
	first := 0
	for i := range n {
		// Piece i ends at its share of the text, so that sizes differ by one at most.
		end := (i + 1) * len(runes) / n
		piece := string(runes[first:end])
		r.send(event{Type: "response.output_text.delta", ItemID: itemID, OutputIndex: &r.index, ContentIndex: new(int), Delta: &piece})
		first = end
	}
	return string(runes)
}

func (r *renderer) reason(p Part) {
	item := reasoning{Type: "reasoning", ID: r.id("rs"), Summary: []text{}}
	r.send(event{Type: "response.output_item.added", OutputIndex: &r.index, Item: item})
	r.send(event{Type: "response.reasoning_summary_part.added", ItemID: item.ID, OutputIndex: &r.index, SummaryIndex: new(int)})
	r.send(event{Type: "response.reasoning_summary_text.delta", ItemID: item.ID, OutputIndex: &r.index, SummaryIndex: new(int), Delta: &p.Reason})
	item.Summary = []text{{Type: "summary_text", Text: p.Reason}}
	item.Encrypted = "c2NyaXB0ZWQ=" // opaque to every client
	r.done(item)
}

func (r *renderer) done(item any) {
	r.send(event{Type: "response.output_item.done", OutputIndex: &r.index, Item: item})
	r.index++
}

func (r *renderer) callID(p Part) string {
	if p.CallID != "" {
		return p.CallID
	}
	return r.id("call")
}

// arguments is the text of a function call's arguments.
func arguments(args json.RawMessage) string {
	var text string
	switch {
	case args == nil:
		return "{}"
	case json.Unmarshal(args, &text) == nil:
		return text
	}
	return string(args)
}

func usage(u *Usage) *responseUsage {
	if u == nil {
		u = &Usage{Input: 1000, Cached: 400, Output: 50, Reasoning: 10}
	}
	return &responseUsage{
		Input: u.Input, InputDetails: inputDetails{Cached: u.Cached, CacheWrite: u.CacheWrite},
		Output: u.Output, OutputDetails: outputDetails{Reasoning: u.Reasoning},
		Total: u.Input + u.Output,
	}
}

func (r *renderer) send(e event) {
	if r.err != nil {
		return
	}
	data, err := json.Marshal(e)
	if err != nil {
		r.err = fmt.Errorf("encode scripted event %s: %w", e.Type, err)
		return
	}
	r.frame(e.Type, data)
}

// event sends a scripted event on one line, its type as the SSE event name.
func (r *renderer) event(raw json.RawMessage) {
	var head struct {
		Type string `json:"type"`
	}
	var line bytes.Buffer
	if err := errors.Join(json.Unmarshal(raw, &head), json.Compact(&line, raw)); err != nil {
		r.err = fmt.Errorf("encode scripted event: %w", err)
		return
	}
	r.frame(head.Type, line.Bytes())
}

func (r *renderer) frame(kind string, data []byte) {
	line := make([]byte, 0, len(kind)+len(data)+20)
	line = append(line, "event: "...)
	line = append(line, kind...)
	line = append(line, "\ndata: "...)
	line = append(line, data...)
	line = append(line, "\n\n"...)
	r.write(line)
}

func (r *renderer) write(data []byte) {
	if r.err != nil {
		return
	}
	if _, r.err = r.out.Write(data); r.err == nil {
		r.err = r.pause()
	}
}
