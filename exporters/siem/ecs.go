package siem

import (
	"strings"

	"proctor/event"
	"proctor/internal/redact"
)

// ECSVersion is the version of the Elastic Common Schema that fields are named by.
const ECSVersion = "8.17.0"

// categories are event.category and event.type of ECS by kind; others are process and info.
var categories = map[event.Kind][2]string{
	event.ConversationStarts:    {"session", "start"},
	event.SessionClosed:         {"session", "end"},
	event.SessionResumed:        {"session", "start"},
	event.ToolDecision:          {"process", "access"},
	event.ToolResult:            {"process", "end"},
	event.ExecStarted:           {"process", "start"},
	event.SandboxDenial:         {"intrusion_detection", "denied"},
	event.SandboxOutcome:        {"intrusion_detection", "denied"},
	event.FileChange:            {"file", "change"},
	event.NetworkPolicyDecision: {"network", "connection"},
	event.APIRequest:            {"api", "access"},
	event.ApprovalRequested:     {"iam", "info"},
	event.ApprovalDecided:       {"api", "access"},
	event.ApprovalVoted:         {"api", "access"},
	event.GuardianAssessment:    {"api", "access"},
	event.OverrideGranted:       {"iam", "change"},
	event.PolicyAmended:         {"configuration", "change"},
	event.PolicyLoaded:          {"configuration", "info"},
	event.ConfigResolved:        {"configuration", "info"},
	event.SecretLeftBehind:      {"intrusion_detection", "info"},
}

func mapECS(entry event.Entry, view redact.View) ([]byte, error) {
	return line(ecs(look(entry, view)))
}

func ecs(f fact) tree {
	e := f.Event
	category, ok := categories[f.Kind]
	if !ok {
		category = [2]string{"process", "info"}
	}
	family, name := f.Kind.Split()
	types := []string{category[1]}
	if f.refused() && category[1] != "denied" {
		types = append(types, "denied")
		if category[0] == "process" { // no process was denied, but the call of a tool
			category[0] = "api"
		}
	}
	t := tree{"@timestamp": stamp(e.Time)}
	t.put("ecs.version", ECSVersion).put("message", f.about.Meaning)
	t.put("event.id", string(e.ID)).put("event.kind", kindOf(f)).put("event.module", "proctor").put("event.dataset", family+"."+name)
	t.put("event.action", string(f.Kind)).put("event.category", []string{category[0]}).put("event.type", types).put("event.outcome", outcome(f))
	t.put("event.sequence", uint64(f.Seq)).put("event.ingested", stamp(f.Received)).put("event.severity", int(f.about.Severity)).put("event.reason", f.text("reason", "network.policy.reason"))
	t.put("event.hash", f.Leaf.String()).put("event.provider", string(e.Actor))
	if ms, ok := f.number("duration_ms"); ok {
		t.put("event.duration", ms*1_000_000)
	}
	t.put("observer.product", "proctor").put("observer.vendor", "proctor").put("observer.type", "agent-supervisor")
	t.put("trace.id", e.Trace).put("span.id", e.Span).put("session.id", e.Session).put("transaction.id", e.Turn)
	t.put("host.name", f.text("host.name")).put("process.working_directory", f.text("cwd")).put("rule.name", f.text("rule"))
	if words, commandLine := f.argv(); commandLine != "" {
		t.put("process.command_line", commandLine).put("process.args", words)
		if len(words) > 0 {
			t.put("process.executable", words[0])
		}
	}
	if code, ok := f.number("exit_code"); ok {
		t.put("process.exit_code", code)
	}
	t.put("file.path", f.text("path")).put("destination.domain", f.text("server.address")).put("network.transport", "")
	if port, ok := f.number("server.port"); ok {
		t.put("destination.port", port)
	}
	t.put("destination.ip", f.by["resolved"]).put("network.protocol", f.text("network.transport.protocol")).put("http.request.method", f.text("http.request.method"))
	t.put("user.name", strings.TrimPrefix(f.text("voter", "by"), "user:"))
	t.put("error.message", f.text("error.message", "error"))
	fields := tree{}
	for _, v := range f.view.Values {
		fields[v.Name] = v.Any
	}
	t.put("proctor.session_seq", f.SessionSeq).put("proctor.call", e.Call).put("proctor.cause", string(e.Cause))
	if len(fields) > 0 {
		t.put("proctor.fields", flat(fields))
	}
	t.put("proctor.redactions", f.receipts())
	if e.Masked != nil {
		t.put("proctor.redaction_rules", e.Masked.Rules)
	}
	return t
}

// flat writes dotted names with underscores: as objects they would clash with those that are both value and parent.
func flat(fields tree) tree {
	out := tree{}
	for name, v := range fields {
		out[strings.ReplaceAll(name, ".", "_")] = v
	}
	return out
}

func kindOf(f fact) string {
	if f.Kind == event.SandboxDenial || f.Kind == event.SecretLeftBehind {
		return "alert"
	}
	return "event"
}

func outcome(f fact) string {
	switch {
	case f.refused():
		return "failure"
	case f.Kind == event.ToolResult:
		if f.by["success"] == true && f.text("exit_code") != "" && f.text("exit_code") != "0" {
			return "failure"
		}
		if f.by["success"] == false {
			return "failure"
		}
		return "success"
	case f.Kind == event.ToolDecision || f.Kind == event.ApprovalDecided || f.Kind == event.NetworkPolicyDecision:
		return "success"
	}
	return ""
}
