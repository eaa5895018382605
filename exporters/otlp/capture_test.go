package otlp_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/exporters/exportertest"
	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

// capture is what the real CLI exported in 27 scenarios, reduced to names and types.
type capture struct {
	Logs map[event.Kind]struct {
		Scope      string
		Attributes map[string]string // s, i, b
	}
	Metrics []struct {
		Name, Kind, Unit, Description string
		Temporality                   int
		Tags                          []string
		Buckets                       string
	}
	BucketSets map[string][]float64 `json:"bucket_sets"`
	Resource   map[string][]string
	Spans      []string
}

func readCapture(t *testing.T) capture {
	t.Helper()
	b, err := os.ReadFile("testdata/codex-0.169.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var c capture
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Logs) < 15 || len(c.Metrics) < 90 || len(c.Spans) < 100 {
		t.Fatalf("%d kinds, %d metrics, %d spans", len(c.Logs), len(c.Metrics), len(c.Spans))
	}
	return c
}

// differences are the rows of doc/compatibility.md, by what stands in their first cell.
func differences(t *testing.T) map[string]bool {
	t.Helper()
	b, err := os.ReadFile("../../doc/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.TrimSpace(cells[2]) == "" {
			continue
		}
		for _, name := range strings.Split(cells[1], ",") {
			rows[strings.Trim(name, " `")] = true
		}
	}
	return rows
}

// TestEveryKindHasTheAttributesOfTheCLI holds what leaves to the lists in attributes_test.go; this holds those lists to the capture.
func TestWhatTheCLILogsIsLoggedWithTheSameNamesAndTypes(t *testing.T) {
	t.Parallel()
	rows := differences(t)
	for kind, of := range readCapture(t).Logs {
		want := sorted(captured[kind] + " error.message=s " + common)
		if captured[kind] == "" {
			t.Errorf("%s is not exported", kind)
		}
		for name, typ := range of.Attributes {
			if !slices.Contains(want, name+"="+typ) && !rows[string(kind)+" "+name] {
				t.Errorf("%s: the CLI sends %s as %s; send it, or give the reason in doc/compatibility.md", kind, name, typ)
			}
		}
		if scope := map[bool]string{true: "codex_otel.network_proxy", false: "codex_otel.log_only"}[kind == event.NetworkPolicyDecision]; of.Scope != scope {
			t.Errorf("%s: scope %s", kind, of.Scope)
		}
	}
}

// everyMetric exports one event of each kind, and a few more that lead to further metrics.
func everyMetric(t *testing.T) []otlpsink.Point {
	t.Helper()
	sink := startSink(t, otlpsink.Options{})
	ms := int64(7)
	drafts := append(exportertest.Every(),
		event.Draft{Payload: &event.SSEEventPayload{EventKind: "response.completed", Duration: &ms}},
		event.Draft{Payload: &event.ToolResultPayload{ToolName: "echo", ToolNamespace: "mcp__demo", Status: "completed"}},
		event.Draft{Payload: &event.ApprovalRequestedPayload{Reviewer: "auto_review"}},
	)
	flush(t, exporter(t, newLedger(t, "s", drafts...), otlp.Options{Metrics: transports["grpc"](sink, ""), OS: "Debian", OSVersion: "12"}, nil))
	return sink.Points()
}

// tagDifferences are tags of the CLI that a metric of ours has not, listed in doc/compatibility.md.
func TestWhatTheCLIMeasuresIsMeasuredAlikeOrListedWithAReason(t *testing.T) {
	t.Parallel()
	rows, c := differences(t), readCapture(t)
	ours := map[string]otlpsink.Point{}
	for _, p := range everyMetric(t) {
		ours[p.Name] = p
	}
	for _, m := range c.Metrics {
		p, ok := ours[m.Name]
		if !ok {
			if !rows[m.Name] {
				t.Errorf("%s: measure it, or give the reason in doc/compatibility.md", m.Name)
			}
			continue
		}
		if rows[m.Name] {
			t.Errorf("%s is measured, and doc/compatibility.md says that it is not", m.Name)
		}
		if p.Kind != m.Kind || p.Unit != m.Unit || p.Description != m.Description || p.Temporality != "Delta" || p.Scope != "codex" {
			t.Errorf("%s: %+v, the CLI has %+v", m.Name, p, m)
		}
		if m.Buckets != "" {
			if diff := cmp.Diff(c.BucketSets[m.Buckets], p.Bounds); diff != "" {
				t.Errorf("%s: bounds (-captured +exported):\n%s", m.Name, diff)
			}
		}
		got := slices.Sorted(maps.Keys(p.Attributes))
		for _, tag := range m.Tags {
			if !slices.Contains(got, tag) && !rows[m.Name+" "+tag] {
				t.Errorf("%s: the CLI has the tag %s", m.Name, tag)
			}
		}
		for _, tag := range got {
			if !slices.Contains(m.Tags, tag) && !rows[m.Name+" "+tag] {
				t.Errorf("%s: the CLI has no tag %s", m.Name, tag)
			}
		}
		if diff := cmp.Diff(c.Resource["metrics"], slices.Sorted(maps.Keys(p.Resource))); diff != "" {
			t.Errorf("%s: resource (-captured +exported):\n%s", m.Name, diff)
		}
	}
}

func TestSpansHaveNamesOfTheCLI(t *testing.T) {
	t.Parallel()
	c := readCapture(t)
	for _, name := range []string{"codex.exec", "session_task.turn", "model_client.stream_responses_api", "guardian_review", "exec_command"} {
		if !slices.Contains(c.Spans, name) {
			t.Errorf("the CLI has no span %s", name)
		}
	}
}

func TestRecordsBelongToTheSpansOfTheirCalls(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	l := newLedger(t, "s", start(),
		event.Draft{Turn: "t", Payload: &event.TurnStartedPayload{}},
		event.Draft{Turn: "t", Payload: &event.APIRequestPayload{Status: 200}},
		event.Draft{Turn: "t", Call: "c", Payload: &event.ToolDecisionPayload{ToolName: "exec_command", CallID: "c"}},
		event.Draft{Turn: "t", Call: "c", Payload: &event.ApprovalDecidedPayload{ApprovalID: "a", Reviewer: "auto_review:m", Status: event.Approved, Duration: 9}},
		event.Draft{Turn: "t", Call: "c", Payload: &event.ToolResultPayload{ToolName: "exec_command", CallID: "c", Success: true}},
		event.Draft{Turn: "t", Payload: &event.TurnCompletedPayload{Status: "completed"}},
		event.Draft{Payload: &event.SessionClosedPayload{Reason: "completed"}},
	)
	for _, opts := range []otlp.Options{{Logs: transports["grpc"](sink, "")}, {Traces: transports["grpc"](sink, "")}} {
		flush(t, exporter(t, l, opts, nil))
	}
	spans := map[string]otlpsink.Span{}
	for _, s := range sink.Spans() {
		spans[s.SpanID] = s
	}
	got := map[string]string{}
	for _, r := range sink.Records() {
		s, ok := spans[r.SpanID]
		if !ok || s.TraceID != r.TraceID {
			t.Errorf("%s belongs to no span", r.EventName)
		}
		got[r.EventName] = s.Name
	}
	want := map[string]string{
		"codex.conversation_starts": "codex.exec", "proctor.turn_started": "session_task.turn", "codex.api_request": "model_client.stream_responses_api",
		"codex.tool_decision": "exec_command", "proctor.approval_decided": "exec_command", "codex.tool_result": "exec_command",
		"proctor.turn_completed": "session_task.turn", "proctor.session_closed": "codex.exec",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans of records (-want +got):\n%s", diff)
	}
	parents := map[string]string{}
	for _, s := range spans {
		parents[s.Name] = spans[s.ParentID].Name
	}
	want = map[string]string{"codex.exec": "", "session_task.turn": "codex.exec", "model_client.stream_responses_api": "session_task.turn",
		"exec_command": "session_task.turn", "guardian_review": "exec_command"}
	if diff := cmp.Diff(want, parents); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
}

func TestGenAIAttributesStandBesideThoseOfTheCLI(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	opts := everyKind()
	opts.GenAI, opts.Logs = true, transports["http binary"](sink, "/v1/logs")
	flush(t, exporter(t, newLedger(t, "s", exportertest.Every()...), opts, nil))
	for _, r := range sink.Records() {
		if r.EventName != string(event.ToolResult) {
			continue
		}
		for k, want := range map[string]any{
			"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "word", "gen_ai.tool.call.id": "word", "gen_ai.conversation.id": "s",
			"gen_ai.request.model": "gpt-5.5", "gen_ai.provider.name": "word", "tool_name": "word",
		} {
			if r.Attributes[k] != want {
				t.Errorf("%s is %v, want %v", k, r.Attributes[k], want)
			}
		}
	}
	body := string(sink.Requests()[0].Body)
	if !strings.Contains(body, "https://opentelemetry.io/schemas/1.37.0") {
		t.Error("the version of the conventions is not in the schema URL")
	}
}
