package otlp_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/exporters/otlp"
	"proctor/internal/otlpsink"
)

// session is a short run with one of everything that is measured.
func session() []event.Draft {
	ms := int64(19)
	tokens := int64(1000)
	payloads := []event.Payload{
		&event.StartupPhasePayload{Phase: "thread_start_total", Status: "ready", Duration: 117},
		&event.TurnStartedPayload{Model: "gpt-5.5"},
		&event.APIRequestPayload{Duration: 47, Status: 500, Error: "http 500"},
		&event.APIRequestPayload{Duration: 19, Status: 200},
		&event.SSEEventPayload{EventKind: "response.created", Duration: &ms},
		&event.TurnTTFTPayload{Duration: 177},
		&event.SSEEventPayload{EventKind: "response.completed", Duration: &ms},
		&event.SSEEventPayload{EventKind: "response.completed", InputTokens: &tokens},
		&event.SSEEventPayload{Duration: &ms, Error: "cut"},
		&event.WebsocketConnectPayload{Duration: 23, Success: true},
		&event.WebsocketRequestPayload{Duration: 1, Success: true},
		&event.WebsocketEventPayload{EventKind: "response.created", Duration: 2, Success: true},
		&event.ToolDecisionPayload{ToolName: "exec_command", Decision: "denied", Source: "Config", Outcome: "forbid", Reason: "read_only_sandbox"},
		&event.ToolResultPayload{ToolName: "exec_command", ToolNamespace: "functions", Duration: 625, Success: true, Sandbox: "bwrap", Mode: "workspace-write"},
		&event.ToolResultPayload{ToolName: "echo", ToolNamespace: "mcp__demo", Duration: 5},
		&event.SandboxDenialPayload{Backend: "bwrap", Access: "write"},
		&event.ApprovalRequestedPayload{ActionKind: "command", Reviewer: "auto_review", Reason: "escalation_requested"},
		&event.ApprovalDecidedPayload{Status: "denied", Reviewer: "auto_review:gpt-5.5", Reason: "risk", Duration: 900},
		&event.GuardianAssessmentPayload{Status: "denied", Outcome: "deny", RiskLevel: "critical", UserAuthorization: "low", StartedAt: 1000, CompletedAt: 1900,
			Terminal: "denied", Failure: "none", Action: "unified_exec", Model: "guard", Effort: "low", SessionKind: "trunk_reused", Prior: true,
			Attempts: 2, TTFT: 40, Usage: event.Usage{Input: 100, Cached: 60, CacheWrite: 5, Output: 20, Reasoning: 8}, Cost: 700,
			Sections: []event.ReviewSection{{Name: "intro", Bytes: 30}}, RequestTokens: 1200,
			Retries: []event.ReviewRetry{{Failure: "parse_error", Wait: 210}}},
		&event.TurnCompletedPayload{Status: "completed", Duration: 2500, Calls: 2, Usage: event.Usage{Input: 1000, Output: 50}},
	}
	out := []event.Draft{start()}
	for _, p := range payloads {
		out = append(out, event.Draft{Turn: "turn-1", Payload: p})
	}
	return out
}

// metric names, own tags and values, in the notation of the test.
var wantPoints = []string{
	"codex.api_request{status=200,success=true} 1", "codex.api_request{status=500,success=false} 1",
	"codex.api_request.duration_ms{status=200,success=true} ms 1/19", "codex.api_request.duration_ms{status=500,success=false} ms 1/47",
	"codex.sse_event{kind=response.created,success=true} 1", "codex.sse_event{kind=response.completed,success=true} 1", "codex.sse_event{kind=unknown,success=false} 1",
	"codex.sse_event.duration_ms{kind=response.created,success=true} ms 1/19", "codex.sse_event.duration_ms{kind=response.completed,success=true} ms 1/19",
	"codex.sse_event.duration_ms{kind=unknown,success=false} ms 1/19",
	"codex.websocket.connect{reauth=false,success=true} 1", "codex.websocket.connect.duration_ms{reauth=false,success=true} ms 1/23",
	"codex.websocket.request{success=true} 1", "codex.websocket.request.duration_ms{success=true} ms 1/1",
	"codex.websocket.event{kind=response.created,success=true} 1", "codex.websocket.event.duration_ms{kind=response.created,success=true} ms 1/2",
	"codex.tool.call{sandbox=seccomp,sandbox_policy=workspace-write,success=true,tool=exec_command} 1",
	"codex.tool.call.duration_ms{sandbox=seccomp,sandbox_policy=workspace-write,success=true,tool=exec_command} ms 1/625",
	"codex.tool.call{sandbox=none,sandbox_policy=workspace-write,success=false,tool=mcp__demoecho} 1",
	"codex.tool.call.duration_ms{sandbox=none,sandbox_policy=workspace-write,success=false,tool=mcp__demoecho} ms 1/5",
	"codex.process.start{} 1", "codex.thread.started{is_git=false,is_worktree=false} 1", "codex.mcp.call{server=demo,status=error,tool=echo} 1",
	"codex.mcp.call.duration_ms{server=demo,status=error,tool=echo} ms 1/5",
	"codex.mcp.call.error{error_code=unknown,error_type=tool_result,server=demo,status=error,tool=echo} 1", "codex.conversation.turn.count{} 1",
	"codex.startup.phase.duration_ms{phase=thread_start_total,status=ready} ms 1/117",
	"codex.turn.ttft.duration_ms{} ms 1/177", "codex.turn.e2e_duration_ms{} ms 1/2500", "codex.turn.tool.call{tmp_mem_enabled=false}  1/2",
	"codex.turn.token_usage{tmp_mem_enabled=false,token_type=input}  1/1000", "codex.turn.token_usage{tmp_mem_enabled=false,token_type=cached_input}  1/0",
	"codex.turn.token_usage{tmp_mem_enabled=false,token_type=cache_write_input}  1/0", "codex.turn.token_usage{tmp_mem_enabled=false,token_type=output}  1/50",
	"codex.turn.token_usage{tmp_mem_enabled=false,token_type=reasoning_output}  1/0", "codex.turn.token_usage{tmp_mem_enabled=false,token_type=total}  1/1050",
	"codex.guardian.review{" + guardian("context_changed=false") + "} 1",
	"codex.guardian.context.section_cost{measurement=text_bytes,section=intro,target=sync}  1/30",
	"codex.guardian.context.section_cost{measurement=estimated_text_tokens,section=intro,target=sync}  1/8",
	"codex.guardian.context.section_cost{measurement=image_bytes,section=intro,target=sync}  1/0",
	"codex.guardian.context.section_cost{measurement=image_count,section=intro,target=sync}  1/0",
	"codex.guardian.context.request_tokens{component=total,target=sync,token_bucket=01_0-20k}  1/1200",
	"codex.guardian.review.duration_ms{" + guardian() + "} ms 1/900", "codex.guardian.review.ttft.duration_ms{" + guardian() + "} ms 1/40",
	"codex.guardian.review.attempt_count{" + guardian() + "}  1/2", "codex.guardian.review.retry_outcome{" + guardian("retried=true") + "} 1",
	"codex.guardian.review.token_usage{" + guardian("token_type=total") + "}  1/120", "codex.guardian.review.token_usage{" + guardian("token_type=input") + "}  1/100",
	"codex.guardian.review.token_usage{" + guardian("token_type=cached_input") + "}  1/60", "codex.guardian.review.token_usage{" + guardian("token_type=non_cached_input") + "}  1/40",
	"codex.guardian.review.token_usage{" + guardian("token_type=cache_write_input") + "}  1/5", "codex.guardian.review.token_usage{" + guardian("token_type=output") + "}  1/20",
	"codex.guardian.review.token_usage{" + guardian("token_type=reasoning_output") + "}  1/8",
	"codex.guardian.review.retry{failure_reason=parse_error,outcome=retry} 1", "codex.guardian.review.retry_wait_ms{failure_reason=parse_error,outcome=retry} ms 1/210",
	"codex.guardian.review.route{reason=fresh_required,route=required_sync} 1", "codex.guardian.decision.duration_ms{} ms 1/900",
	"codex.guardian.turn.blocking_ms{outcome=completed} ms 1/900", "proctor.guardian.review.cost_micros{guardian_model=guard} 700",
	"proctor.decision{decision=denied,outcome=forbid,reason=read_only_sandbox,source=Config} 1",
	"proctor.sandbox.denial{access=write,backend=bwrap} 1", "proctor.approval.requested{action=command,reason=escalation_requested,reviewer=auto_review} 1",
	"proctor.approval.decided{reason=risk,reviewer=auto_review,status=denied} 1", "proctor.approval.decided.duration_ms{reason=risk,reviewer=auto_review,status=denied} ms 1/900",
}

// guardian are the tags of the review, and more.
func guardian(more ...string) string {
	tags := append(more, "action=unified_exec", "approval_request_source=main_turn", "context_mode=thread_owned", "decision=denied", "failure_reason=none",
		"guardian_model=guard", "guardian_reasoning_effort=low", "had_prior_review_context=true", "outcome=deny", "reviewed_action_truncated=false",
		"risk_level=critical", "session_kind=trunk_reused", "terminal_status=denied", "user_authorization=low")
	slices.Sort(tags)
	return strings.Join(tags, ",")
}

var sessionTags = map[string]any{"app.version": "1.2.3", "model": "gpt-5.5", "originator": "codex_exec", "session_source": "exec"}

// written is a point in the notation of wantPoints; session tags must be there and are left out.
func written(t *testing.T, p otlpsink.Point) string {
	t.Helper()
	var own []string
	for k, v := range p.Attributes {
		if want, ok := sessionTags[k]; ok {
			if v != want {
				t.Errorf("%s: tag %s is %v, want %v", p.Name, k, v, want)
			}
			continue
		}
		own = append(own, fmt.Sprintf("%s=%v", k, v))
	}
	if len(own)+len(sessionTags) != len(p.Attributes) && p.Name != "codex.process.start" {
		t.Errorf("%s lacks a session tag: %v", p.Name, p.Attributes)
	}
	slices.Sort(own)
	name := p.Name + "{" + strings.Join(own, ",") + "} "
	if p.Kind == "sum" {
		return name + fmt.Sprint(p.Int)
	}
	return name + fmt.Sprintf("%s %d/%v", p.Unit, p.Count, p.Sum)
}

func TestMetricsAreThoseOfTheCLI(t *testing.T) {
	t.Parallel()
	for name, to := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := startSink(t, otlpsink.Options{})
			opts := otlp.Options{Metrics: to(sink, "/v1/metrics"), OS: "Debian"}
			if r := flush(t, exporter(t, newLedger(t, "s", session()...), opts, nil)); r.Left != 0 || r.Err != nil {
				t.Fatalf("%v", r)
			}
			var got []string
			for _, p := range sink.Points() {
				if p.Name == recordMetric {
					if p.Count != uint64(len(session())) {
						t.Errorf("%s counts %d entries, want %d", p.Name, p.Count, len(session()))
					}
					continue
				}
				got = append(got, written(t, p))
				checkPoint(t, p)
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(wantPoints))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
		})
	}
}

// recordMetric has a value for every entry of any kind.
const recordMetric = "proctor.ledger.record.duration_ms"

func checkPoint(t *testing.T, p otlpsink.Point) {
	t.Helper()
	if p.Temporality != "Delta" || p.Kind == "sum" && !p.Monotonic || p.Start.After(p.Time) {
		t.Errorf("%s: %s, monotonic %v, from %v to %v", p.Name, p.Temporality, p.Monotonic, p.Start, p.Time)
	}
	if _, ok := p.Resource["host.name"]; ok || p.Resource["os"] != "Debian" || p.Resource["service.name"] != "codex_exec" {
		t.Errorf("%s: resource %v", p.Name, p.Resource)
	}
	scope := map[bool]string{true: "codex", false: "proctor"}[strings.HasPrefix(p.Name, "codex.")]
	if p.Scope != scope {
		t.Errorf("%s: scope %q", p.Name, p.Scope)
	}
	if p.Kind != "histogram" {
		return
	}
	bounds := map[string]int{"ms": 34, "": 15}[p.Unit]
	if n, other := map[string]int{
		"codex.guardian.review.attempt_count": 4, "codex.guardian.context.section_cost": 17, "codex.guardian.context.request_tokens": 11,
	}[p.Name]; other {
		bounds = n
	}
	if len(p.Bounds) != bounds || len(p.Buckets) != bounds+1 || (p.Unit == "ms") != (p.Description == "Duration in milliseconds.") {
		t.Errorf("%s: %d bounds, %d buckets, description %q", p.Name, len(p.Bounds), len(p.Buckets), p.Description)
	}
	for i, n := range p.Buckets { // every histogram here has one value, or equal ones
		if n > 0 && (i < len(p.Bounds) && p.Sum > p.Bounds[i] || i > 0 && p.Sum <= p.Bounds[i-1]) {
			t.Errorf("%s: %v fell into bucket %d", p.Name, p.Sum, i)
		}
	}
}

// Sums of deltas over refusals, absences and restarts are the counts in the ledger.
func TestMetricsCountExactlyOverFaultsAndRestarts(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	l := newLedger(t, "s", start())
	opts := otlp.Options{Metrics: transports["http binary"](sink, "/v1/metrics")}
	for i := range 5 {
		add(t, l, fmt.Sprintf("s%d", i), append([]event.Draft{start()}, deltas(100)...)...)
		if i%2 == 1 {
			sink.Set(otlpsink.Fault{Status: 503, Times: 1})
		}
		if i == 2 {
			sink.Down()
		}
		r := flush(t, exporter(t, l, opts, nil))
		if (i == 2) != (r.Left > 0) {
			t.Errorf("round %d: %v", i, r)
		}
		if err := sink.Up(); err != nil {
			t.Fatal(err)
		}
	}
	total := map[string]int64{}
	for _, p := range sink.Points() {
		total[p.Name] += p.Int + int64(p.Count)
	}
	want := map[string]int64{"codex.sse_event": 500, "codex.sse_event.duration_ms": 500, "codex.thread.started": 6, "codex.process.start": 6, recordMetric: 506}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func TestHostileToolNamesDoNotMakeSeriesWithoutEnd(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	var drafts []event.Draft
	for i := range 3000 {
		drafts = append(drafts, event.Draft{Payload: &event.ToolResultPayload{ToolName: fmt.Sprintf("tool-%d-\xff%s", i, strings.Repeat("x", 200))}})
	}
	// limits as wide as they go, so that all is one batch
	r := flush(t, exporter(t, newLedger(t, "s", drafts...), otlp.Options{Metrics: transports["grpc"](sink, "")}, wide))
	if r.Left != 0 {
		t.Fatalf("%v", r)
	}
	total, overflow := int64(0), int64(0)
	for _, p := range sink.Points() {
		if p.Name == "codex.tool.call" {
			total += p.Int
		}
		if p.Name == "codex.tool.call" && p.Attributes["otel.metric.overflow"] != nil {
			overflow += p.Int
		}
		if s, _ := p.Attributes["tool"].(string); len(s) > 140 {
			t.Errorf("tag of %d bytes", len(s))
		}
	}
	if total != 3000 || overflow < 1500 {
		t.Errorf("%d calls counted, %d of them in the overflow", total, overflow)
	}
}

func TestSpansHaveTheShapeOfTheRun(t *testing.T) {
	t.Parallel()
	sink := startSink(t, otlpsink.Options{})
	l := newLedger(t, "s", append(session(), event.Draft{Payload: &event.SessionClosedPayload{Reason: "completed"}})...)
	opts := otlp.Options{Traces: transports["http json"](sink, "/v1/traces"), SpanAttributes: map[string]string{"team": "audit"}}
	if r := flush(t, exporter(t, l, opts, nil)); r.Left != 0 || r.Err != nil {
		t.Fatalf("%v", r)
	}
	byName := map[string]otlpsink.Span{}
	for _, s := range sink.Spans() {
		byName[s.Name] = s
		if s.TraceID != trace || s.Attributes["team"] != "audit" || s.Attributes["conversation.id"] != "s" {
			t.Errorf("span %+v", s)
		}
	}
	want := []string{"codex.exec", "exec_command", "guardian_review", "mcp__demoecho", "model_client.stream_responses_api", "session_task.turn"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(byName))); diff != "" {
		t.Fatalf("names (-want +got):\n%s", diff)
	}
	turn, tool := byName["session_task.turn"], byName["exec_command"]
	if tool.ParentID != turn.SpanID || turn.ParentID != span || byName["codex.exec"].SpanID != span {
		t.Errorf("tool below %s, turn %s below %s", tool.ParentID, turn.SpanID, turn.ParentID)
	}
	if tool.End.Sub(tool.Start) != 625*time.Millisecond || !tool.End.Equal(origin) {
		t.Errorf("tool from %v to %v", tool.Start, tool.End)
	}
}
