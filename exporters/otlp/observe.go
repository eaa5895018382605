package otlp

import (
	"strconv"
	"strings"

	"proctor/event"
)

// observation is one value for one instrument.
type observation struct {
	name  string
	form  form
	value int64
	tags  []tag
}

type form int

const (
	counter form = iota
	duration
	histogram
	attempts // a histogram of few
	costs    // of a section of a request
	requests // of tokens of a request
)

type tag struct{ key, value string }

// observe derives what an event means for the metrics. It is pure: the same entry gives
// the same observations, which is what makes metrics resumable. Tags are those of the
// CLI, as far as the event knows them; session tags are added later.
func observe(e *event.Event, start *event.ConversationStartsPayload) []observation {
	switch p := e.Payload.(type) {
	case *event.ConversationStartsPayload:
		return []observation{count("codex.process.start"), count("codex.thread.started", tag{"is_git", text(p.Git)}, tag{"is_worktree", text(p.Worktree)})}
	case *event.HookRunPayload:
		if p.Outcome == "skipped" {
			return nil
		}
		return pair("codex.hooks.run", p.Duration, tag{"event", p.HookEvent}, tag{"outcome", p.Outcome})
	case *event.StartupPhasePayload:
		return []observation{timed("codex.startup.phase", p.Duration, tag{"phase", p.Phase}, tag{"status", orNone(p.Status)})}
	case *event.APIRequestPayload:
		success := p.Error == "" && p.Status/100 == 2
		return pair("codex.api_request", p.Duration, tag{"status", statusTag(p.Status)}, tag{"success", text(success)})
	case *event.SSEEventPayload:
		return observeSSE(p)
	case *event.WebsocketConnectPayload:
		return pair("codex.websocket.connect", p.Duration, tag{"reauth", text(p.Reauth)}, tag{"success", text(p.Success)})
	case *event.WebsocketRequestPayload:
		return pair("codex.websocket.request", p.Duration, tag{"success", text(p.Success)})
	case *event.WebsocketEventPayload:
		return pair("codex.websocket.event", p.Duration, tag{"kind", orUnknown(p.EventKind)}, tag{"success", text(p.Success)})
	case *event.TurnTTFTPayload:
		return []observation{timed("codex.turn.ttft", p.Duration)}
	case *event.ToolResultPayload:
		return append(pair("codex.tool.call", p.Duration, toolTags(p, start)...), observeMCP(p)...)
	case *event.GuardianAssessmentPayload:
		return observeGuardian(p)
	case *event.TurnStartedPayload:
		return []observation{count("codex.conversation.turn.count")}
	case *event.TurnCompletedPayload:
		return observeTurn(p)
	}
	return observeOurs(e.Payload)
}

// observeSSE counts what came over the stream. The second record of a completed response,
// with the token counts, has no duration and is not counted again.
func observeSSE(p *event.SSEEventPayload) []observation {
	if p.Duration == nil {
		return nil
	}
	return pair("codex.sse_event", *p.Duration, tag{"kind", orUnknown(p.EventKind)}, tag{"success", text(p.Error == "")})
}

func observeTurn(p *event.TurnCompletedPayload) []observation {
	memory := tag{"tmp_mem_enabled", "false"}
	out := []observation{
		timed("codex.turn.e2e", p.Duration),
		{"codex.turn.tool.call", histogram, int64(p.Calls), []tag{memory}},
	}
	u := p.Usage
	for _, t := range []struct {
		name  string
		value int64
	}{
		{"input", u.Input}, {"cached_input", u.Cached}, {"cache_write_input", u.CacheWrite},
		{"output", u.Output}, {"reasoning_output", u.Reasoning}, {"total", u.Input + u.Output},
	} {
		out = append(out, observation{"codex.turn.token_usage", histogram, t.value, []tag{memory, {"token_type", t.name}}})
	}
	if p.Breaker {
		out = append(out, count("codex.guardian.denial_limit_reached"))
	}
	return out
}

// observeOurs are metrics that the CLI does not have.
func observeOurs(p event.Payload) []observation {
	switch p := p.(type) {
	case *event.ToolDecisionPayload:
		return []observation{count("proctor.decision", tag{"decision", p.Decision}, tag{"source", p.Source}, tag{"outcome", p.Outcome}, tag{"reason", p.Reason})}
	case *event.ApprovalRequestedPayload:
		asked := count("proctor.approval.requested", tag{"action", p.ActionKind}, tag{"reviewer", p.Reviewer}, tag{"reason", p.Reason})
		return append(guardianRoute(p), asked)
	case *event.ApprovalDecidedPayload:
		reviewer, _, _ := strings.Cut(p.Reviewer, ":") // without the name of a person
		return pair("proctor.approval.decided", p.Duration, tag{"status", p.Status}, tag{"reviewer", reviewer}, tag{"reason", p.Reason})
	case *event.SandboxDenialPayload:
		return []observation{count("proctor.sandbox.denial", tag{"backend", p.Backend}, tag{"access", p.Access})}
	case *event.NetworkPolicyDecisionPayload:
		return []observation{count("proctor.network.decision", tag{"decision", p.Decision}, tag{"reason", p.Reason}, tag{"protocol", p.Protocol})}
	case *event.FileChangePayload:
		return []observation{count("proctor.file.change", tag{"change", p.Change}, tag{"command", text(p.Command)})}
	case *event.OverrideUsedPayload:
		return []observation{count("proctor.override.used")}
	case *event.SecretLeftBehindPayload:
		return []observation{count("proctor.secret.left_behind")}
	case *event.StreamRetryPayload:
		return []observation{count("proctor.stream.retry")}
	case *event.ErasurePayload:
		return []observation{count("proctor.erasure")}
	case *event.SessionClosedPayload:
		return []observation{count("proctor.session.closed", tag{"reason", p.Reason})}
	case *event.ExportGapPayload:
		return []observation{count("proctor.export.gap", tag{"signal", p.Signal}, tag{"reason", p.Reason})}
	}
	return nil
}

// toolName names a tool in metrics and spans: that of an MCP server stands behind it without a separator, as the CLI writes it.
func toolName(p *event.ToolResultPayload) string {
	if strings.HasPrefix(p.ToolNamespace, "mcp__") {
		return p.ToolNamespace + p.ToolName
	}
	return p.ToolName
}

func toolTags(p *event.ToolResultPayload, start *event.ConversationStartsPayload) []tag {
	policy := p.Mode
	if policy == "" {
		policy = start.SandboxPolicy
	}
	return []tag{{"sandbox", sandboxTag(p.Sandbox)}, {"sandbox_policy", orNone(policy)}, {"success", text(p.Success)}, {"tool", toolName(p)}}
}

// observeMCP are the metrics of a call that went to an MCP server.
func observeMCP(p *event.ToolResultPayload) []observation {
	server, ok := strings.CutPrefix(p.ToolNamespace, "mcp__")
	if !ok || p.Status == "refused" {
		return nil
	}
	status := "ok"
	if !p.Success {
		status = "error"
	}
	tags := []tag{{"server", server}, {"status", status}, {"tool", p.ToolName}}
	out := pair("codex.mcp.call", p.Duration, tags...)
	if !p.Success {
		out = append(out, count("codex.mcp.call.error", with(tags, tag{"error_code", "unknown"}, tag{"error_type", "tool_result"})...))
	}
	return out
}

// sandboxTag has the two words of the CLI on Linux: every backend of ours filters with seccomp.
func sandboxTag(backend string) string {
	if backend == "" || backend == "none" {
		return "none"
	}
	return "seccomp"
}

func count(name string, tags ...tag) observation { return observation{name, counter, 1, tags} }

func timed(name string, ms int64, tags ...tag) observation {
	suffix := ".duration_ms"
	if name == "codex.turn.e2e" { // the CLI's name has an underscore
		suffix = "_duration_ms"
	}
	return observation{name + suffix, duration, ms, tags}
}

// pair is a counter and its histogram twin.
func pair(name string, ms int64, tags ...tag) []observation {
	return []observation{count(name, tags...), timed(name, ms, tags...)}
}

func text(b bool) string { return strconv.FormatBool(b) }

func statusTag(code int) string {
	if code == 0 {
		return "none"
	}
	return strconv.Itoa(code)
}

func orNone(s string) string    { return or(s, "none") }
func orUnknown(s string) string { return or(s, "unknown") }

func or(s, d string) string {
	if s == "" {
		return d
	}
	return s
}
