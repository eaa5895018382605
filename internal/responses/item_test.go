package responses

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseItem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      Item
		err       string
	}{
		{"message", `{"type":"message","id":"m","role":"assistant","status":"completed","phase":"commentary","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"}]}`,
			Item{Type: "message", ID: "m", Role: "assistant", Status: "completed", Phase: "commentary", Text: "ab"}, ""},
		{"message with plain text", `{"type":"message","content":"a"}`, Item{Type: "message", Text: "a"}, ""},
		{"message with odd content", `{"type":"message","content":{"x":1}}`, Item{Type: "message"}, ""},
		{"reasoning", `{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}]}`,
			Item{Type: "reasoning", ID: "r", Text: "a\n\nb"}, ""},
		{"function call", `{"type":"function_call","name":"f","namespace":"mcp__s","call_id":"c","arguments":"{not json"}`,
			Item{Type: "function_call", Name: "f", Namespace: "mcp__s", CallID: "c", Arguments: "{not json"}, ""},
		{"arguments as object", `{"type":"function_call","name":"f","call_id":"c","arguments":{"a":1}}`,
			Item{Type: "function_call", Name: "f", CallID: "c", Arguments: `{"a":1}`}, ""},
		{"custom call", `{"type":"custom_tool_call","name":"apply_patch","call_id":"c","input":"p"}`,
			Item{Type: "custom_tool_call", Name: "apply_patch", CallID: "c", Input: "p"}, ""},
		{"web search", `{"type":"web_search_call","id":"w","status":"completed","action":{"type":"search","query":"q"}}`,
			Item{Type: "web_search_call", ID: "w", Status: "completed", Query: "q"}, ""},
		{"unknown type", `{"type":"hologram","id":"h","name":7}`, Item{Type: "hologram", ID: "h"}, ""},
		{"no name", `{"type":"function_call","call_id":"c"}`, Item{}, "lacks a name or a call_id"},
		{"no call id", `{"type":"custom_tool_call","name":"c"}`, Item{}, "lacks a name or a call_id"},
		{"no type", `{"id":"x"}`, Item{}, "has no type"},
		{"name of a wrong type", `{"type":"function_call","name":7}`, Item{}, "output item"},
		{"no object", `[1]`, Item{}, "output item"},
		{"nothing", ``, Item{}, "output item"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseItem(json.RawMessage(tt.raw))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Raw = json.RawMessage(tt.raw)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseItem(f *testing.F) {
	for _, seed := range []string{
		`{"type":"message","content":[{"type":"output_text","text":"a"}]}`, `{"type":"function_call","name":"f","call_id":"c","arguments":{}}`,
		`{"type":"web_search_call","action":null}`, `{"type":"reasoning","summary":"x"}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		item, err := ParseItem(raw)
		if err != nil {
			return
		}
		if item.Type == "" || !json.Valid(item.Raw) {
			t.Fatalf("item %+v", item)
		}
		if item.Call() && (item.Name == "" || item.CallID == "") {
			t.Fatalf("a call nobody can answer: %+v", item)
		}
	})
}
