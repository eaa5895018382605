package otlp_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/exporters/exportertest"
	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

// Attribute names and types of Codex CLI 0.169.0, as captured, beyond the common ones:
// s text, i integer, b boolean. Every optional one is present in these tests.
const authEnv = `auth.env_openai_api_key_present=b auth.env_codex_api_key_present=b auth.env_codex_api_key_enabled=b
	auth.env_provider_key_name=s auth.env_provider_key_present=b auth.env_refresh_token_url_override_present=b`

var captured = map[event.Kind]string{
	event.ConversationStarts: `provider_name=s reasoning_effort=s reasoning_summary=s context_window=i auto_compact_token_limit=i approval_policy=s
		sandbox_policy=s mcp_servers=s config.legacy_multi_agent_disabled_sources=s ` + authEnv,
	event.StartupPhase: `startup.phase=s startup.status=s duration_ms=s`,
	event.UserPrompt:   `prompt_length=s prompt=s`,
	event.APIRequest: `duration_ms=s http.response.status_code=i attempt=i auth.header_attached=b auth.header_name=s auth.retry_after_unauthorized=b
		auth.recovery_mode=s auth.recovery_phase=s endpoint=s auth.request_id=s auth.cf_ray=s auth.error=s auth.error_code=s ` + authEnv,
	event.SSEEvent: `event.kind=s duration_ms=s input_token_count=s output_token_count=s cached_token_count=i cache_write_token_count=i
		reasoning_token_count=i tool_token_count=s ttft_ms=i model_reasoning_effort=s service_tier=s`,
	event.WebsocketConnect: `duration_ms=s http.response.status_code=i success=s error.message=s auth.header_attached=b auth.header_name=s
		auth.retry_after_unauthorized=b endpoint=s auth.connection_reused=b auth.reauth=b ` + authEnv,
	event.WebsocketRequest: `duration_ms=s success=s error.message=s auth.connection_reused=b ` + authEnv,
	event.WebsocketEvent:   `event.kind=s duration_ms=s success=s error.message=s`,
	event.TurnTTFT:         `duration_ms=s`,
	event.ToolDecision:     `tool_name=s tool_namespace=s call_id=s decision=s source=s`,
	event.ToolResult: `tool_result_seq=i tool_name=s tool_namespace=s call_id=s duration_ms=s success=s output_truncated=b agent_name=s arguments=s
		output=s mcp_server=s mcp_server_origin=s`,
	event.SandboxOutcome: `tool_name=s call_id=s outcome=s initial_duration_ms=i escalated_duration_ms=i`,
	event.AgentResponse: `agent.type=s turn.id=s item.id=s parent.conversation.id=s parent.turn.id=s root.turn.id=s response=s response_length=i
		response_truncated=b`,
	event.GuardianAssessment: `review.id=s turn.id=s item.id=s status=s outcome=s risk_level=s user_authorization=s started_at_ms=i completed_at_ms=i
		rationale=s rationale_length=i rationale_truncated=b`,
	event.AuthRecovery: `auth.mode=s auth.step=s auth.outcome=s auth.request_id=s auth.cf_ray=s auth.error=s auth.error_code=s
		auth.recovery_reason=s auth.state_changed=b`,
	event.NetworkPolicyDecision: `network.policy.scope=s network.policy.decision=s network.policy.source=s network.policy.reason=s
		network.transport.protocol=s server.address=s server.port=i http.request.method=s client.address=s execution.id=s network.policy.override=b`,
}

const common = "event.name=s event.timestamp=s conversation.id=s app.version=s originator=s terminal.type=s model=s slug=s"

// joins are ours on every record.
const joins = "proctor.seq=i proctor.leaf=s proctor.session_seq=i proctor.event_id=s proctor.actor=s"

func everyKind() otlp.Options {
	return otlp.Options{Environment: "staging", LogAgentResponses: true, LogGuardianAssessments: true, Version: "9.9"}
}

func TestEveryKindHasTheAttributesOfTheCLI(t *testing.T) {
	t.Parallel()
	for name, to := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := startSink(t, otlpsink.Options{})
			opts := everyKind()
			opts.Logs = to(sink, "/v1/logs")
			if r := flush(t, exporter(t, newLedger(t, "session-1", exportertest.Every()...), opts, nil)); r.Left != 0 || r.Err != nil {
				t.Fatalf("%v", r)
			}
			byKind := map[event.Kind]otlpsink.Record{}
			for _, r := range sink.Records() {
				byKind[event.Kind(r.EventName)] = r
			}
			for kind, want := range captured {
				r, ok := byKind[kind]
				if !ok {
					t.Errorf("%s did not arrive", kind)
					continue
				}
				if diff := cmp.Diff(sorted(want+" "+common), ofTheCLI(kind, r.Attributes)); diff != "" {
					t.Errorf("%s (-captured +exported):\n%s", kind, diff)
				}
				checkCommon(t, kind, r)
			}
			if got, want := len(byKind), len(event.Catalog())-2; got != want {
				t.Errorf("%d kinds arrived, want %d: all but output pieces and history", got, want)
			}
		})
	}
}

// ofTheCLI lists name=type of the attributes that are not ours. turn.id and call_id are
// join keys of ours unless the capture has them.
func ofTheCLI(kind event.Kind, attributes map[string]any) []string {
	var out []string
	for k, v := range attributes {
		join := (k == "turn.id" || k == "call_id") && !strings.Contains(captured[kind], k+"=")
		if !join && !strings.HasPrefix(k, "proctor.") {
			out = append(out, k+"="+typeOf(v))
		}
	}
	slices.Sort(out)
	return out
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "s"
	case int64:
		return "i"
	case bool:
		return "b"
	}
	return fmt.Sprintf("%T", v)
}

func sorted(list string) []string {
	out := strings.Fields(list)
	slices.Sort(out)
	return out
}

func checkCommon(t *testing.T, kind event.Kind, r otlpsink.Record) {
	t.Helper()
	want := map[string]any{
		"event.name": string(kind), "event.timestamp": "2026-11-23T09:10:17.724Z", "conversation.id": "session-1",
		"app.version": "1.2.3", "originator": "codex_exec", "terminal.type": "xterm", "model": "gpt-5.5", "slug": "gpt-5.5",
	}
	for k, v := range want {
		if r.Attributes[k] != v {
			t.Errorf("%s: %s is %v, want %v", kind, k, r.Attributes[k], v)
		}
	}
	for _, f := range strings.Fields(joins) {
		name, typ, _ := strings.Cut(f, "=")
		if got := typeOf(r.Attributes[name]); got != typ {
			t.Errorf("%s: %s has type %s, want %s", kind, name, got, typ)
		}
	}
	scope := "codex_otel.log_only"
	if kind == event.NetworkPolicyDecision {
		scope = "codex_otel.network_proxy"
	}
	if r.Scope != scope || r.Body != nil || r.Severity != int(event.Info) || r.TraceID != trace || len(r.SpanID) != 16 {
		t.Errorf("%s: scope %q, body %v, severity %d, trace %s, span %s", kind, r.Scope, r.Body, r.Severity, r.TraceID, r.SpanID)
	}
	if !r.Time.Equal(origin) || r.Observed.Before(r.Time) {
		t.Errorf("%s: time %v, observed %v", kind, r.Time, r.Observed)
	}
}

func TestResourceAndOurRecords(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	opts := everyKind()
	opts.Logs = otlp.Exporter{Kind: otlp.GRPC, Endpoint: sink.GRPCURL()}
	flush(t, exporter(t, newLedger(t, "s", exportertest.Every()...), opts, nil))
	resource := map[string]any{
		"service.name": "codex_exec", "service.version": "1.2.3", "env": "staging", "host.name": "ci-host",
		"telemetry.sdk.name": "proctor", "telemetry.sdk.language": "go", "telemetry.sdk.version": "9.9",
	}
	for _, r := range sink.Records() {
		if diff := cmp.Diff(resource, r.Resource); diff != "" {
			t.Fatalf("resource (-want +got):\n%s", diff)
		}
		switch event.Kind(r.EventName) {
		case event.TurnCompleted:
			if r.Scope != "proctor" || r.Attributes["usage.input_tokens"] != int64(7) || r.Attributes["last_message"] == nil {
				t.Errorf("turn_completed: scope %q, %v", r.Scope, r.Attributes)
			}
		case event.ConfigResolved:
			if _, ok := r.Attributes["settings"]; ok || r.Attributes["count"] != int64(7) {
				t.Errorf("config_resolved: %v", r.Attributes)
			}
		case event.SessionClosed:
			if r.Attributes["counts.codex.sse_event"] != int64(7) {
				t.Errorf("session_closed: %v", r.Attributes)
			}
		case event.ToolResult:
			if r.Attributes["proctor.exit_code"] != int64(7) || r.Attributes["turn.id"] != "turn-1" {
				t.Errorf("tool_result: %v", r.Attributes)
			}
		}
	}
}

func TestTypedCompatHasNumbersAndBooleans(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	opts := everyKind()
	opts.Compat, opts.Logs = otlp.TypedCompat, otlp.Exporter{Kind: otlp.GRPC, Endpoint: sink.GRPCURL()}
	flush(t, exporter(t, newLedger(t, "s", exportertest.Every()...), opts, nil))
	for _, r := range sink.Records() {
		if r.EventName == string(event.SandboxOutcome) && r.Severity != int(event.Warn) {
			t.Errorf("severity %d of %s, the catalog says WARN", r.Severity, r.EventName)
		}
	}
	for _, r := range sink.Records() {
		if r.EventName != string(event.ToolResult) {
			continue
		}
		if r.Attributes["duration_ms"] != int64(7) || r.Attributes["success"] != true {
			t.Errorf("duration_ms %T, success %T", r.Attributes["duration_ms"], r.Attributes["success"])
		}
		return
	}
	t.Error("no tool_result arrived")
}

func TestSettingsDecideWhichKindsLeave(t *testing.T) {
	t.Parallel()
	gated := []event.Kind{event.AgentResponse, event.GuardianAssessment, event.SSEEvent}
	cases := []struct {
		name string
		opts otlp.Options
		want []event.Kind
	}{
		{"default", otlp.Options{}, []event.Kind{event.SSEEvent}},
		{"all", everyKind(), gated},
		{"without deltas", otlp.Options{DropSSEDeltas: true}, nil},
	}
	for _, c := range cases {
		sink := startSink(t, otlpsink.Options{})
		c.opts.Logs = otlp.Exporter{Kind: otlp.GRPC, Endpoint: sink.GRPCURL()}
		flush(t, exporter(t, newLedger(t, "s", exportertest.Every()...), c.opts, nil))
		got := map[event.Kind]bool{}
		for _, r := range sink.Records() {
			if k := event.Kind(r.EventName); slices.Contains(gated, k) {
				got[k] = true
			}
			if k := event.Kind(r.EventName); k == event.ExecOutput || k == event.HistoryItem {
				t.Errorf("%s: %s left", c.name, k)
			}
		}
		if diff := cmp.Diff(c.want, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestNoSecretReachesTheCollector(t *testing.T) {
	t.Parallel()
	for _, compat := range []otlp.Compat{otlp.CodexCompat, otlp.TypedCompat} {
		sink := startSink(t, otlpsink.Options{})
		opts := everyKind()
		opts.Compat, opts.LogUserPrompt = compat, true
		opts.Logs = otlp.Exporter{Kind: otlp.HTTP, Endpoint: sink.HTTPURL("/v1/logs"), Protocol: otlp.JSON}
		flush(t, exporter(t, newLedger(t, "s", exportertest.Every()...), opts, nil))
		for _, r := range sink.Records() {
			if s := fmt.Sprint(r); strings.Contains(s, exportertest.Planted) {
				t.Errorf("%s: %s", r.EventName, s)
			}
			if r.EventName == string(event.ToolResult) && r.Attributes["arguments"] != "before token=[MASKED:github-token] after" {
				t.Errorf("arguments %q", r.Attributes["arguments"])
			}
			if r.EventName == string(event.ToolResult) && r.Attributes["proctor.redacted"] == nil {
				t.Errorf("no receipts: %v", r.Attributes)
			}
		}
	}
}
