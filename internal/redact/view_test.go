package redact

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"proctor/event"
)

const planted = "ghp_0123456789abcdefghijABCDEFGHIJ456789"

// filled makes a payload of a kind with text in every sensitive field.
func filled(c event.CatalogEntry, text string) *event.Event {
	p := c.New()
	v := reflect.ValueOf(p).Elem()
	for _, f := range event.Fields(p) {
		if f.Sensitive {
			v.FieldByIndex(f.Index).Set(reflect.ValueOf(event.Secret(text)))
		}
	}
	return &event.Event{Kind: c.Kind, Payload: p}
}

func TestNoSecretLeavesUnderAnyPolicy(t *testing.T) {
	t.Parallel()
	policies := map[string]Options{
		"default": {}, "open": {LogUserPrompt: true, LogAgentResponses: true, LogGuardianAssessments: true, MaxOutput: 1 << 20}, "dropped": {DropToolContent: true},
	}
	for name, opts := range policies {
		p := New(opts)
		for _, c := range event.Catalog() {
			view := p.View(filled(c, "x password="+planted+" y"))
			if s := fmt.Sprint(view); strings.Contains(s, planted) {
				t.Errorf("%s: %s lets the secret out: %s", name, c.Kind, s)
			}
			for _, v := range view.Values {
				if v.Sensitive && classes[c.Kind][v.Name] == kept {
					t.Errorf("%s: %s has a value for %s, which is kept", name, c.Kind, v.Name)
				}
			}
		}
	}
}

// Each sensitive field is either in the class table or named here as kept on purpose.
func TestEverySensitiveFieldHasADecision(t *testing.T) {
	t.Parallel()
	keptFields := []string{
		"codex.sse_event delta", "codex.tool_decision facts", "codex.tool_decision action", "proctor.config_resolved settings",
		"proctor.config_resolved launch", "proctor.policy_loaded network_rules", "proctor.policy_loaded plan", "proctor.policy_loaded request", "proctor.phase_started plan", "proctor.history_item item", "proctor.approval_requested context", "proctor.exec_output chunk",
		"proctor.model_request body", "proctor.model_event data", "proctor.model_ended unfinished",
	}
	var got []string
	for _, c := range event.Catalog() {
		for _, f := range event.Fields(c.Payload) {
			if _, ok := classes[c.Kind][f.Name]; f.Sensitive && !ok {
				got = append(got, string(c.Kind)+" "+f.Name)
			}
		}
	}
	slices.Sort(got)
	slices.Sort(keptFields)
	if !slices.Equal(got, keptFields) {
		t.Errorf("fields without a class\n got %q\nwant %q", got, keptFields)
	}
}

func TestGates(t *testing.T) {
	t.Parallel()
	cases := []struct {
		kind  event.Kind
		field string
		opts  Options
		want  string
	}{
		{event.UserPrompt, "prompt", Options{}, "[REDACTED]"},
		{event.UserPrompt, "prompt", Options{LogUserPrompt: true}, "say token=[MASKED:github-token]"},
		{event.ToolResult, "arguments", Options{}, "say token=[MASKED:github-token]"},
		{event.ToolResult, "arguments", Options{DropToolContent: true}, "[REDACTED]"},
		{event.ToolResult, "output", Options{DropToolContent: true}, "[REDACTED]"},
		{event.FileChange, "diff", Options{DropToolContent: true}, "[REDACTED]"},
		{event.GuardianAssessment, "rationale", Options{}, "[REDACTED]"},
		{event.GuardianAssessment, "rationale", Options{LogGuardianAssessments: true}, "say token=[MASKED:github-token]"},
		{event.TurnCompleted, "last_message", Options{}, "[REDACTED]"},
		{event.TurnCompleted, "error", Options{}, "say token=[MASKED:github-token]"},
		{event.ToolDecision, "facts", Options{LogUserPrompt: true}, ""},
	}
	for _, c := range cases {
		entry, _ := event.Lookup(c.kind)
		view := New(c.opts).View(filled(entry, "say token="+planted))
		if got := textOf(view, c.field); got != c.want {
			t.Errorf("%s.%s under %+v leaves as %q, want %q", c.kind, c.field, c.opts, got, c.want)
		}
		if len(view.Receipts) == 0 {
			t.Errorf("%s.%s under %+v left no receipt", c.kind, c.field, c.opts)
		}
	}
}

func textOf(v View, name string) string {
	for _, x := range v.Values {
		if x.Name == name {
			return fmt.Sprint(x.Any)
		}
	}
	return ""
}

func TestOutputIsCutAsTheCLIDoes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, in, want, flag string
	}{
		{"fits", "0123456789", "0123456789", "false"},
		{"cut", "0123456789x", "0123456789\n" + truncated, "true"},
		{"line break there", "012345678\nxx", "012345678\n" + truncated, "true"},
		{"between characters", "012345678\u00e9x", "012345678\n" + truncated, "true"},
	}
	for _, c := range cases {
		e := &event.Event{Kind: event.ToolResult, Payload: &event.ToolResultPayload{Output: event.Secret(c.in)}}
		view := New(Options{MaxOutput: 10}).View(e)
		if got := textOf(view, "output"); got != c.want {
			t.Errorf("%s: output %q, want %q", c.name, got, c.want)
		}
		if got := textOf(view, "output_truncated"); got != c.flag {
			t.Errorf("%s: output_truncated %s, want %s", c.name, got, c.flag)
		}
	}
}

func TestLongTextIsBoundedAndItsEdgeHidesNoSecret(t *testing.T) {
	t.Parallel()
	// the long key shrinks to a mark, so that the edge of the scan comes into the part that leaves
	key := "-----BEGIN PRIVATE KEY-----" + strings.Repeat("A", maxScan-200) + "-----END PRIVATE KEY-----"
	text := key + strings.Repeat(" ", maxScan-len(key)-30) + planted + " tail"
	e := &event.Event{Kind: event.ToolResult, Payload: &event.ToolResultPayload{Arguments: event.Secret(text)}}
	start := time.Now()
	view := New(Options{}).View(e)
	got := textOf(view, "arguments")
	if !strings.HasPrefix(got, "[MASKED:private-key]") || len(got) > maxText+len(truncated)+1 || !strings.HasSuffix(got, truncated) || strings.Contains(got, planted[:12]) {
		t.Errorf("arguments leave with %d bytes, end %q", len(got), got[max(0, len(got)-60):])
	}
	t.Logf("masked %d bytes in %v", len(text), time.Since(start))
}

func TestReceiptsAreBounded(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("password=abcdefgh1 ", 100)
	view := New(Options{}).View(&event.Event{Kind: event.ToolResult, Payload: &event.ToolResultPayload{Arguments: event.Secret(text)}})
	total := 0
	for _, r := range view.Receipts {
		total += r.Bytes
	}
	if len(view.Receipts) != maxReceipts || total != 100*len("abcdefgh1") {
		t.Errorf("%d receipts for %d bytes", len(view.Receipts), total)
	}
}

func TestErasedContentSaysSo(t *testing.T) {
	t.Parallel()
	e := &event.Event{
		ID: event.NewID(), Kind: event.ToolResult, Schema: 1, Session: "s", Actor: event.Executor, Time: time.Unix(0, 0),
		Payload: &event.ToolResultPayload{Output: event.Secret("some output")},
	}
	enc, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	enc.Content = nil
	erasedEvent, err := event.Decode(enc)
	if err != nil {
		t.Fatal(err)
	}
	if got := textOf(New(Options{}).View(erasedEvent), "output"); got != erased {
		t.Errorf("output %q, want %q", got, erased)
	}
}

func TestPublicTextsAreMaskedAndSignedNotesAreNot(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	view := p.View(&event.Event{Kind: event.APIRequest, Payload: &event.APIRequestPayload{Error: "GET https://u:sekret99@h/: refused"}})
	if got := textOf(view, "error.message"); got != "GET https://u:[MASKED:url-credentials]@h/: refused" {
		t.Errorf("error.message %q", got)
	}
	note := "token: 0123456789abcdef\n"
	if got := textOf(p.View(&event.Event{Kind: event.Checkpoint, Payload: &event.CheckpointPayload{Note: note}}), "note"); got != note {
		t.Errorf("note %q", got)
	}
}
