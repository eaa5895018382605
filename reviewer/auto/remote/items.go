package remote

import (
	"encoding/json"

	"proctor/reviewer/auto"
)

type inputText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type inputMessage struct {
	Type    string      `json:"type"`
	Role    string      `json:"role"`
	Content []inputText `json:"content"`
}

type callOutput struct {
	Type   string `json:"type"`
	CallID string `json:"call_id"`
	Output any    `json:"output"` // a text, or content with images
}

// items are the messages as input items of the API.
func items(messages []auto.Message) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for _, m := range messages {
		if len(m.Items) > 0 {
			out = append(out, m.Items...)
			continue
		}
		raw, err := json.Marshal(item(m))
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

func item(m auto.Message) any {
	if m.Call != nil {
		o := callOutput{Type: "function_call_output", CallID: m.Call.ID, Output: m.Text}
		if m.Call.Custom {
			o.Type = "custom_tool_call_output"
		}
		if len(m.Parts) > 0 {
			content := []any{inputText{"input_text", m.Text}}
			for _, part := range m.Parts {
				content = append(content, part)
			}
			o.Output = content
		}
		return o
	}
	kind := "input_text"
	if m.Role == "assistant" {
		kind = "output_text"
	}
	message := inputMessage{"message", m.Role, make([]inputText, len(m.Texts))}
	for i, t := range m.Texts {
		message.Content[i] = inputText{kind, t}
	}
	return message
}
