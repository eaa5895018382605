package siem

import (
	"strings"

	"proctor/event"
	"proctor/internal/redact"
)

// OCSFVersion is the version of the Open Cybersecurity Schema Framework that events are mapped to.
const OCSFVersion = "1.8.0"

// class is an OCSF class with the activity of a kind in it.
type class struct {
	category, class int
	categoryName    string
	className       string
	activity        int
	activityName    string
}

// Classes of OCSF.
func process(id int, name string) class {
	return class{1, 1007, "System Activity", "Process Activity", id, name}
}
func file(id int, name string) class {
	return class{1, 1001, "System Activity", "File System Activity", id, name}
}
func finding() class { return class{2, 2004, "Findings", "Detection Finding", 1, "Create"} }
func network(id int, name string) class {
	return class{4, 4001, "Network Activity", "Network Activity", id, name}
}
func lifecycle(id int, name string) class {
	return class{6, 6002, "Application Activity", "Application Lifecycle", id, name}
}
func api(id int, name string) class {
	return class{6, 6003, "Application Activity", "API Activity", id, name}
}

// classOf is the class of an entry. Decisions and what people and reviewers answer are API Activity, since they are about a call of
// a tool; what confinement refuses is a Detection Finding; settings and what the ledger says of itself are Application Lifecycle.
func classOf(f fact) class {
	switch f.Kind {
	case event.ConversationStarts, event.SessionResumed:
		return lifecycle(3, "Start")
	case event.SessionClosed:
		return lifecycle(4, "Stop")
	case event.ExecStarted:
		return process(1, "Launch")
	case event.ToolResult:
		if f.text("status") == "refused" {
			return api(99, "Refuse")
		}
		return process(2, "Terminate")
	case event.SandboxDenial, event.SandboxOutcome, event.SecretLeftBehind:
		return finding()
	case event.FileChange:
		switch f.text("change") {
		case "add":
			return file(1, "Create")
		case "delete":
			return file(4, "Delete")
		}
		return file(3, "Update")
	case event.NetworkPolicyDecision:
		if f.refused() {
			return network(5, "Refuse")
		}
		return network(1, "Open")
	case event.APIRequest, event.WebsocketConnect, event.WebsocketRequest:
		return api(1, "Create")
	case event.ToolDecision, event.ApprovalRequested, event.ReviewStarted, event.ApprovalVoted, event.ApprovalDecided, event.GuardianAssessment,
		event.OverrideGranted, event.OverrideUsed, event.GrantRevoked:
		_, name := f.Kind.Split()
		return api(99, name)
	default:
		_, name := f.Kind.Split()
		return lifecycle(99, name)
	}
}

// severities are those of OCSF: 1 informational, 3 medium, 4 high.
var severities = map[event.Severity]struct {
	id   int
	name string
}{event.Info: {1, "Informational"}, event.Warn: {3, "Medium"}, event.Error: {4, "High"}}

func mapOCSF(entry event.Entry, view redact.View) ([]byte, error) {
	return line(ocsf(look(entry, view)))
}

func ocsf(f fact) tree {
	e, c, severity := f.Event, classOf(f), severities[f.about.Severity]
	t := tree{
		"category_uid": c.category, "category_name": c.categoryName, "class_uid": c.class, "class_name": c.className,
		"activity_id": c.activity, "activity_name": c.activityName, "type_uid": c.class*100 + c.activity, "type_name": c.className + ": " + c.activityName,
		"severity_id": severity.id, "severity": severity.name, "time": e.Time.UnixMilli(),
	}
	t.put("metadata.version", OCSFVersion).put("metadata.product.name", "proctor").put("metadata.product.vendor_name", "proctor")
	t.put("metadata.uid", string(e.ID)).put("metadata.sequence", uint64(f.Seq)).put("metadata.logged_time", f.Received.UnixMilli()).put("metadata.event_code", string(f.Kind))
	t.put("metadata.correlation_uid", e.Session)
	t.put("message", f.about.Meaning)
	status(t, f)
	actor(t, f)
	words, commandLine := f.argv()
	switch c.class {
	case 1007:
		t.put("process.cmd_line", commandLine).put("process.working_directory", f.text("cwd")).put("process.uid", or(e.Call, string(e.ID)))
		if len(words) > 0 {
			t.put("process.name", words[0])
		} else {
			t.put("process.name", f.text("tool_name"))
		}
		if code, ok := f.number("exit_code"); ok {
			t.put("exit_code", code)
		}
		t.put("device.hostname", "localhost").put("device.type_id", 0)
	case 1001:
		putFile(t, "file", f.text("path"), 1)
		t.put("device.hostname", "localhost").put("device.type_id", 0)
	case 2004:
		t.put("finding_info.uid", string(e.ID)).put("finding_info.title", f.about.Meaning)
		t.put("finding_info.analytic.name", or(f.text("rule"), string(f.Kind))).put("finding_info.analytic.type_id", 1)
		if evidence := evidenceOf(f); len(evidence) > 0 {
			t["evidences"] = []tree{evidence}
		}
	case 4001:
		t.put("dst_endpoint.hostname", or(f.text("server.address"), "unknown"))
		if port, ok := f.number("server.port"); ok {
			t.put("dst_endpoint.port", port)
		}
		t.put("connection_info.protocol_name", f.text("network.transport.protocol")).put("connection_info.direction_id", 2)
		if !f.refused() {
			t.put("traffic.bytes_out", f.by["bytes_sent"]).put("traffic.bytes_in", f.by["bytes_received"])
		}
	case 6003:
		t.put("api.operation", or(f.text("tool_name"), string(f.Kind))).put("api.service.name", or(f.text("tool_namespace", "endpoint"), "proctor")).put("api.request.uid", or(e.Call, string(e.ID)))
		t.put("src_endpoint.name", "proctor")
	case 6002:
		t.put("app.name", "proctor").put("app.vendor_name", "proctor").put("app.version", f.text("app.version"))
	}
	if ms, ok := f.number("duration_ms"); ok {
		t.put("duration", ms)
	}
	fields := tree{"kind": string(f.Kind), "leaf": f.Leaf.String(), "session_seq": f.SessionSeq}
	fields.put("session", e.Session).put("turn", e.Turn).put("call", e.Call).put("cause", string(e.Cause)).put("redactions", f.receipts())
	for _, v := range f.view.Values {
		fields[strings.ReplaceAll(v.Name, ".", "_")] = v.Any
	}
	t["unmapped"] = fields
	return t
}

// putFile puts a file object, which must have a name; type 0 is unknown, 1 a regular file.
func putFile(t tree, at, path string, typ int) {
	path = or(path, "unknown")
	t.put(at+".path", path).put(at+".name", or(path[strings.LastIndexByte(path, '/')+1:], path)).put(at+".type_id", typ)
}

// evidenceOf is what a finding is about: the file, the process and the system call that it names.
func evidenceOf(f fact) tree {
	t := tree{}
	if path := f.text("path"); path != "" {
		putFile(t, "file", path, 0)
	}
	if program := f.text("program"); program != "" {
		t.put("process.name", program).put("process.uid", or(f.Event.Call, string(f.Event.ID)))
	}
	return t.put("api.operation", f.text("syscall"))
}

func status(t tree, f fact) {
	if t["class_uid"] == 2004 { // of a finding it says how far its handling is
		t["status_id"], t["status"] = 1, "New"
	} else {
		statusOf(t, outcome(f))
	}
	t.put("status_detail", f.text("reason", "network.policy.reason"))
	profiles := []string{"host"}
	if c := t["class_uid"]; c == 1007 || c == 1001 || c == 4001 || c == 6003 || c == 2004 {
		profiles = append(profiles, "security_control")
		if f.refused() {
			t["disposition_id"], t["disposition"], t["action_id"], t["action"] = 2, "Blocked", 2, "Denied"
		} else {
			t["disposition_id"], t["disposition"], t["action_id"], t["action"] = 1, "Allowed", 1, "Allowed"
		}
	}
	t.put("metadata.profiles", profiles)
}

func statusOf(t tree, outcome string) {
	switch outcome {
	case "success":
		t["status_id"], t["status"] = 1, "Success"
	case "failure":
		t["status_id"], t["status"] = 2, "Failure"
	default:
		t["status_id"], t["status"] = 0, "Unknown"
	}
}

func actor(t tree, f fact) {
	t.put("actor.app_name", "proctor").put("actor.session.uid", f.Session)
	t.put("actor.user.name", or(strings.TrimPrefix(f.text("voter", "by"), "user:"), string(f.Event.Actor))).put("actor.user.type_id", 0)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
