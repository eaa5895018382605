package executor

import (
	"encoding/json"

	"proctor/event"
)

// itemHead is what we read of a conversation item; the rest is passed on as it is.
type itemHead struct {
	Type   string `json:"type"`
	Role   string `json:"role"`
	CallID string `json:"call_id"`
}

func headOf(item json.RawMessage) itemHead {
	var h itemHead
	_ = json.Unmarshal(item, &h) // items come from our own encoders or were parsed by responses
	return h
}

func callOf(item json.RawMessage) string { return headOf(item).CallID }

func historyItem(item json.RawMessage) *event.HistoryItemPayload {
	h := headOf(item)
	return &event.HistoryItemPayload{ItemType: clip(h.Type, maxLabel), Role: clip(h.Role, maxLabel), Item: event.Secret(string(item))}
}

const (
	callType         = "function_call"
	customCallType   = "custom_tool_call"
	outputType       = "function_call_output"
	customOutputType = "custom_tool_call_output"
)

type messageItem struct {
	Type    string        `json:"type"`
	Role    string        `json:"role"`
	Content []contentPart `json:"content"`
}

type contentPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Message makes a conversation item of role user or developer.
func Message(role, text string) json.RawMessage {
	return encode(messageItem{"message", role, []contentPart{{"input_text", text}}})
}

type outputItem struct {
	Type   string `json:"type"`
	CallID string `json:"call_id"`
	Output any    `json:"output"`
}

// output makes the item that answers a call: text, or content items where the tool gave some.
func output(custom bool, callID, text string, items []json.RawMessage) json.RawMessage {
	o := outputItem{Type: outputType, CallID: callID, Output: text}
	if custom {
		o.Type = customOutputType
	}
	if len(items) > 0 {
		o.Output = items
	}
	return encode(o)
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil { // only invalid raw messages of our own tools can get here
		b, _ = json.Marshal(map[string]string{"type": "invalid", "error": err.Error()})
	}
	return b
}
