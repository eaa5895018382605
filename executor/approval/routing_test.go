package approval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/execrules"
	"proctor/policy/filesystem"
)

// route is one row of testdata/routing.jsonl: who is asked about an action under which settings, and what becomes of it when
// nobody is. Without settings it is on-request, workspace-write and the automatic reviewer, headless.
type route struct {
	Row, Approval, Off, Reviewer, Sandbox string
	Person                                bool // a person can be asked
	Rules, Managed                        string

	Command     string
	Escalate    bool
	Files       []string
	MCP         *struct{ ReadOnly, Destructive, OpenWorld *bool }
	More, Stdin bool

	Asked, Reason, Told string
	Allowed             bool
}

func (r route) authority(t *testing.T) Authority {
	t.Helper()
	plan := inside
	plan.Writable = []filesystem.Root{{Path: "/w", Kind: filesystem.Dir, Protected: []filesystem.Protected{{Path: "/w/.git", Kind: filesystem.Dir, Name: ".git"}}}}
	plan.DeniedReads = []filesystem.Denied{{Path: "/w/.env", Kind: filesystem.File}}
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	a := Authority{
		Approval: policy.ApprovalPolicy{Mode: policy.ApprovalMode(or(r.Approval, "on-request"))}, Sandbox: policy.SandboxMode(or(r.Sandbox, "workspace-write")),
		Reviewer: policy.Reviewer(or(r.Reviewer, "auto_review")), Headless: !r.Person, Plan: plan, Escalated: full, Digest: "policy",
	}
	if a.Sandbox.Unconfined() {
		a.Plan = full
	}
	if a.Approval.Mode == policy.Granular {
		a.Approval.Categories = policy.Categories{SandboxApproval: r.Off != "sandbox_approval", Rules: true, MCPElicitations: true, RequestPermissions: true}
	}
	rules, err := execrules.Parse([]execrules.File{{Name: "user.rules", Text: r.Rules}, {Name: "requirements.toml", Text: r.Managed, Managed: true}})
	if err != nil {
		t.Fatal(err)
	}
	a.Rules = rules
	return a
}

func (r route) request() Request {
	q := Request{Turn: "t", CallID: "c", Tool: "exec_command", Namespace: "functions"}
	switch {
	case r.Command != "":
		q.Action = event.Action{Kind: event.ActionCommand, Tool: q.Tool, Argv: []string{"/bin/bash", "-lc", r.Command}, Cwd: "/w"}
		if r.Escalate {
			q.Action.Permissions, q.Action.Justification = event.RequireEscalated, "needed"
		}
	case len(r.Files) > 0:
		q.Action = event.Action{Kind: event.ActionPatch, Tool: "apply_patch", Files: r.Files}
	case r.MCP != nil:
		q.Action = event.Action{Kind: event.ActionMCP, Tool: "mcp__s__t", Server: "s", Arguments: "{}"}
		q.MCP = &policy.MCP{Server: "s", Tool: "t", ReadOnly: r.MCP.ReadOnly, Destructive: r.MCP.Destructive, OpenWorld: r.MCP.OpenWorld}
	case r.More:
		q.Action = event.Action{Kind: event.ActionPermissions, Tool: "request_permissions", Additional: &event.Permissions{Network: true}}
	case r.Stdin:
		q.Action = event.Action{Kind: event.ActionStdin, Tool: "write_stdin", Process: 1, Input: "yes\n"}
		q.Stdin = &policy.Stdin{Known: true, Unconfined: true}
	}
	return q
}

// The routing table of reviews, over the real gate: who is asked, or what happens without asking; and an answer of whoever is asked
// decides, whichever it is.
func TestRouting(t *testing.T) {
	text, err := os.ReadFile("testdata/routing.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var r route
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		for _, status := range []string{event.Approved, event.Denied, event.FailedClosed} {
			t.Run(r.Row+"/"+status, func(t *testing.T) { r.check(t, status) })
		}
	}
}

func (r route) check(t *testing.T, status string) {
	var asked []*event.ApprovalRequestedPayload
	who := &reviewers{answer: func(p *event.ApprovalRequestedPayload) []*event.ApprovalDecidedPayload {
		asked = append(asked, p)
		return says(status)(p)
	}}
	stream, err := event.NewStream("s", 0, "", "", who, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	widen := func(event.Permissions) (filesystem.Plan, error) { return inside, nil }
	g, err := New(Options{Stream: stream, Watcher: who, Authority: r.authority(t), Widen: widen})
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Rule(t.Context(), r.request())
	who.all.Wait()
	if err != nil {
		t.Fatal(err)
	}
	decision := out.Decision.Payload.(*event.ToolDecisionPayload)
	if r.Asked == "nobody" {
		if len(asked) != 0 || out.Allowed != r.Allowed || decision.Reason != r.Reason || !strings.Contains(out.Message, r.Told) {
			t.Fatalf("%d asked, allowed %v, %s: %s", len(asked), out.Allowed, decision.Reason, out.Message)
		}
		return
	}
	if len(asked) != 1 || asked[0].Reviewer != r.Asked || asked[0].Reason != r.Reason || out.Allowed != (status == event.Approved) {
		t.Fatalf("asked %+v, allowed %v, %s: %s", asked, out.Allowed, decision.Reason, out.Message)
	}
}
