package responses

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEncodeRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"least", Request{Model: "m"},
			`{"model":"m","instructions":"","input":[],"tools":[],"tool_choice":"auto","parallel_tool_calls":false,"store":false,"stream":true,"include":[]}`},
		{"most", Request{
			Model: "m", Instructions: "<i>", Input: []json.RawMessage{[]byte(`{"type": "message"}`)}, Tools: []json.RawMessage{[]byte(`{"type":"function"}`)},
			ParallelToolCalls: true, Reasoning: Reasoning{Effort: "low", Summary: "auto"}, Include: []string{"reasoning.encrypted_content"},
			PromptCacheKey: "k", ServiceTier: "flex", OutputSchema: &OutputSchema{Strict: true, Schema: []byte(`{"type":"object"}`)},
		},
			`{"model":"m","instructions":"<i>","input":[{"type":"message"}],"tools":[{"type":"function"}],"tool_choice":"auto","parallel_tool_calls":true,` +
				`"reasoning":{"effort":"low","summary":"auto"},"store":false,"stream":true,"include":["reasoning.encrypted_content"],"service_tier":"flex","prompt_cache_key":"k",` +
				`"text":{"format":{"type":"json_schema","strict":true,"schema":{"type":"object"},"name":"codex_output_schema"}}}`},
	}
	for _, tt := range tests {
		got, err := tt.req.encode(tt.req.Input)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestBadRequestsAreRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	server, p := start(t)
	client := newClient(t, p)
	bad := json.RawMessage(`{"a":`)
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"no model", Request{}, "set model in config.toml"},
		{"item", Request{Model: "m", Input: []json.RawMessage{[]byte(`1`), bad}}, "input item 1 is not valid JSON"},
		{"tool", Request{Model: "m", Tools: []json.RawMessage{bad}}, "tool 0 is not valid JSON"},
		{"schema", Request{Model: "m", OutputSchema: &OutputSchema{Schema: bad}}, "output schema is not valid JSON"},
		{"header", Request{Model: "m", Headers: map[string]string{"x": "a\nb"}}, `header "x"`},
	}
	for _, tt := range tests {
		if _, err := client.Stream(t.Context(), tt.req, Observer{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestPromptOfTenMegabytesGoesThrough(t *testing.T) {
	t.Parallel()
	server, p := start(t)
	req := ask()
	text, _ := json.Marshal(strings.Repeat("long ", 2<<20))
	req.Input = []json.RawMessage{text}
	if _, err := newClient(t, p).Stream(t.Context(), req, Observer{}); err != nil {
		t.Fatal(err)
	}
	if got := len(server.Requests()[0].Body); got < 10<<20 {
		t.Errorf("%d bytes arrived", got)
	}
}
