package responses

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Wire types of output items that have a typed view.
const (
	TypeMessage       = "message"
	TypeReasoning     = "reasoning"
	TypeFunctionCall  = "function_call"
	TypeCustomCall    = "custom_tool_call"
	TypeWebSearchCall = "web_search_call"
)

// Item is a finished output item: the fields of the types above, and the JSON
// as sent. An item of another type has Type, ID and Raw only.
type Item struct {
	// Request is the HTTP request it came with (see [Attempt]).
	Request int
	Type    string
	ID      string
	Status  string

	// Role and Phase ("commentary", "final_answer") belong to messages.
	Role, Phase string
	// Text is the text of a message or the summary of reasoning.
	Text string

	// Name, Namespace, CallID and Arguments belong to function calls; Name,
	// CallID and Input to custom tool calls. Arguments is the text the model
	// wrote, which need not be JSON.
	Name, Namespace, CallID string
	Arguments               string
	Input                   string

	// Query is the search text of a web search.
	Query string

	Raw json.RawMessage
}

// Call reports whether the item asks for a tool to be run.
func (i Item) Call() bool { return i.Type == TypeFunctionCall || i.Type == TypeCustomCall }

type wireItem struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Status    string          `json:"status"`
	Role      string          `json:"role"`
	Phase     string          `json:"phase"`
	Name      string          `json:"name"`
	Namespace string          `json:"namespace"`
	CallID    string          `json:"call_id"`
	Arguments json.RawMessage `json:"arguments"`
	Input     json.RawMessage `json:"input"`
	Content   json.RawMessage `json:"content"`
	Summary   json.RawMessage `json:"summary"`
	Action    json.RawMessage `json:"action"`
}

type wireTextPart struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Refusal string `json:"refusal"`
}

// ParseItem makes the typed view of an item. A call that cannot be answered
// (no name, no call_id) is an error: dropping it would hide what was asked.
func ParseItem(raw json.RawMessage) (Item, error) {
	var head struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Item{}, fmt.Errorf("output item: %w", err)
	}
	if head.Type == "" {
		return Item{}, errors.New("output item has no type")
	}
	item := Item{Type: head.Type, ID: head.ID, Raw: raw}
	switch head.Type {
	case TypeMessage, TypeReasoning, TypeFunctionCall, TypeCustomCall, TypeWebSearchCall:
	default:
		return item, nil
	}
	var wire wireItem
	if err := json.Unmarshal(raw, &wire); err != nil {
		return Item{}, fmt.Errorf("output item %q: %w", head.Type, err)
	}
	item.Status = wire.Status
	switch head.Type {
	case TypeMessage:
		item.Role, item.Phase, item.Text = wire.Role, wire.Phase, joinTexts(wire.Content, "")
	case TypeReasoning:
		item.Text = joinTexts(wire.Summary, "\n\n")
	case TypeFunctionCall:
		item.Name, item.Namespace, item.CallID = wire.Name, wire.Namespace, wire.CallID
		item.Arguments = textOrJSON(wire.Arguments)
	case TypeCustomCall:
		item.Name, item.Namespace, item.CallID = wire.Name, wire.Namespace, wire.CallID
		item.Input = textOrJSON(wire.Input)
	case TypeWebSearchCall:
		var action struct {
			Query string `json:"query"`
		}
		_ = json.Unmarshal(wire.Action, &action) // other actions have no query
		item.Query = action.Query
	}
	if item.Call() && (item.Name == "" || item.CallID == "") {
		return Item{}, fmt.Errorf("output item %q lacks a name or a call_id", head.Type)
	}
	return item, nil
}

// joinTexts collects the text parts of a content or summary list; a plain
// string, as some servers send, is taken as it is.
func joinTexts(raw json.RawMessage, sep string) string {
	var plain string
	if json.Unmarshal(raw, &plain) == nil {
		return plain
	}
	var parts []wireTextPart
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	texts := make([]string, 0, len(parts))
	for _, p := range parts {
		switch {
		case p.Text != "":
			texts = append(texts, p.Text)
		case p.Refusal != "":
			texts = append(texts, p.Refusal)
		}
	}
	return strings.Join(texts, sep)
}

// textOrJSON returns a JSON string's text, and any other value as written.
func textOrJSON(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
