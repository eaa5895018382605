package hook

import (
	"strings"
	"testing"
)

func said(event Event, body string) string {
	return `{"hookSpecificOutput":{"hookEventName":"` + string(event) + `",` + body + `}}`
}

// Rows of other is what Codex CLI 0.169.0 does where it differs: it goes on where we see a failure.
func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		event  Event
		ending Ending
		want   string // outcome, then its text
	}{
		{"silence", PreToolUse, Ending{}, "none"},
		{"plain text", PreToolUse, Ending{Stdout: []byte("hello")}, "none"},
		{"exit 2", PreToolUse, Ending{Exit: 2, Stderr: []byte("no\n")}, "deny no"},
		{"exit 2 without a reason", PreToolUse, Ending{Exit: 2}, "failed answer_unknown"},
		{"exit 1", PreToolUse, Ending{Exit: 1}, "failed exit_status"},
		{"timeout", PreToolUse, Ending{Exit: -1, Fault: Timeout}, "failed timeout"},
		{"deny", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"permissionDecision":"deny","permissionDecisionReason":"r"`))}, "deny r"},
		{"deny without a reason", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"permissionDecision":"deny"`))}, "failed answer_unknown"},
		{"the older block", PreToolUse, Ending{Stdout: []byte(`{"decision":"block","reason":"r"}`)}, "deny r"},
		{"approve", PreToolUse, Ending{Stdout: []byte(`{"decision":"approve"}`)}, "failed answer_unknown"},
		{"ask", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"permissionDecision":"ask"`))}, "failed answer_unknown"},
		{"allow means nothing", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"permissionDecision":"allow"`))}, "none"},
		{"rewrite", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"permissionDecision":"allow","updatedInput":{"command":"x"}`))}, `rewrite {"command":"x"}`},
		{"rewrite without allow", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"updatedInput":{"command":"x"}`))}, "failed answer_unknown"},
		{"rewrite that is no object", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"permissionDecision":"allow","updatedInput":"x"`))}, "failed answer_unknown"},
		{"continue false", PreToolUse, Ending{Stdout: []byte(`{"continue":false}`)}, "failed answer_unknown"},
		{"context", PreToolUse, Ending{Stdout: []byte(said(PreToolUse, `"additionalContext":"c"`))}, "context c"},
		{"another event", PreToolUse, Ending{Stdout: []byte(said(Stop, `"permissionDecision":"allow"`))}, "failed answer_unknown"},
		{"broken JSON", PreToolUse, Ending{Stdout: []byte(`{"decision":`)}, "failed output_unreadable"},
		{"two values", PreToolUse, Ending{Stdout: []byte(`{} {"decision":"block"}`)}, "failed output_unreadable"},
		{"a field in the wrong place", PreToolUse, Ending{Stdout: []byte(`{"permissionDecision":"deny"}`)}, "failed output_unreadable"},
		{"too long", PreToolUse, Ending{Fault: TooLong}, "failed output_too_long"},
		{"permission: allow", PermissionRequest, Ending{Stdout: []byte(said(PermissionRequest, `"decision":{"behavior":"allow"}`))}, "allow"},
		{"permission: deny", PermissionRequest, Ending{Stdout: []byte(said(PermissionRequest, `"decision":{"behavior":"deny","message":"m"}`))}, "deny m"},
		{"permission: deny without a word", PermissionRequest, Ending{Stdout: []byte(said(PermissionRequest, `"decision":{"behavior":"deny"}`))}, "deny"},
		{"permission: exit 2", PermissionRequest, Ending{Exit: 2, Stderr: []byte("m")}, "deny m"},
		{"permission: of another input", PermissionRequest, Ending{Stdout: []byte(said(PermissionRequest, `"decision":{"behavior":"allow","updatedInput":{}}`))}, "failed output_unreadable"},
		{"permission: unknown", PermissionRequest, Ending{Stdout: []byte(said(PermissionRequest, `"decision":{"behavior":"maybe"}`))}, "failed answer_unknown"},
		{"permission: nothing", PermissionRequest, Ending{Stdout: []byte(`{}`)}, "none"},
		{"prompt: block", UserPromptSubmit, Ending{Stdout: []byte(`{"decision":"block","reason":"r"}`)}, "deny r"},
		{"prompt: plain text", UserPromptSubmit, Ending{Stdout: []byte("more\n")}, "context more"},
		{"prompt: exit 2", UserPromptSubmit, Ending{Exit: 2, Stderr: []byte("r")}, "deny r"},
		{"start: plain text", SessionStart, Ending{Stdout: []byte("more")}, "context more"},
		{"start: exit 2", SessionStart, Ending{Exit: 2, Stderr: []byte("r")}, "failed exit_status"},
		{"start: continue false", SessionStart, Ending{Stdout: []byte(`{"continue":false,"stopReason":"r"}`)}, "halt r"},
		{"after: block", PostToolUse, Ending{Stdout: []byte(`{"decision":"block","reason":"r"}`)}, "deny r"},
		{"after: continue false", PostToolUse, Ending{Stdout: []byte(`{"continue":false,"stopReason":"r"}`)}, "deny r"},
		{"after: exit 2", PostToolUse, Ending{Exit: 2, Stderr: []byte("r")}, "deny r"},
		{"stop: block", Stop, Ending{Stdout: []byte(`{"decision":"block","reason":"r"}`)}, "deny r"},
		{"stop: continue false", Stop, Ending{Stdout: []byte(`{"continue":false}`)}, "none"},
		{"stop: no context", Stop, Ending{Stdout: []byte(said(Stop, `"additionalContext":"c"`))}, "none"},
		{"end: exit 2", SessionEnd, Ending{Exit: 2, Stderr: []byte("r")}, "failed exit_status"},
	} {
		a := Read(c.event, c.ending)
		got := "none"
		switch {
		case a.Failure != "":
			got = "failed " + a.Failure
		case a.Deny:
			got = strings.TrimSpace("deny " + a.Reason)
		case a.Halt:
			got = "halt " + a.Reason
		case a.Allow:
			got = "allow"
		case a.Input != nil:
			got = "rewrite " + string(a.Input)
		case a.Context != "":
			got = "context " + a.Context
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q (%s)", c.name, got, c.want, a.Detail)
		}
	}
}

func TestCombine(t *testing.T) {
	t.Parallel()
	run := func(a Answer) Run {
		return Run{Hook: Hook{Definition: Definition{Key: "k"}, Trust: Trusted}, Answer: a}
	}
	allow, deny, fails := run(Answer{Allow: true}), run(Answer{Deny: true, Reason: "a"}), run(Answer{Failure: Timeout})
	first, second := run(Answer{Input: []byte(`{"command":"1"}`)}), run(Answer{Input: []byte(`{"command":"2"}`)})
	managed := allow
	managed.Trust = Managed
	later := deny
	later.Async = true
	for name, c := range map[string]struct {
		event Event
		runs  []Run
		open  bool
		want  Verdict
	}{
		"nobody":                        {PreToolUse, nil, false, Verdict{By: -1}},
		"one deny outweighs":            {PermissionRequest, []Run{allow, deny, managed}, false, Verdict{Deny: true, Reason: "a", By: 1}},
		"the first reason":              {PreToolUse, []Run{deny, run(Answer{Deny: true, Reason: "b"})}, false, Verdict{Deny: true, Reason: "a", By: 0}},
		"every reason after":            {PostToolUse, []Run{deny, run(Answer{Deny: true, Reason: "b"})}, false, Verdict{Deny: true, Reason: "a\n\nb", By: 0}},
		"the last rewrite":              {PreToolUse, []Run{first, second}, false, Verdict{Input: second.Answer.Input, By: 1}},
		"no rewrite of what is refused": {PreToolUse, []Run{first, deny}, false, Verdict{Deny: true, Reason: "a", By: 1}},
		"a failure objects":             {PreToolUse, []Run{fails}, false, Verdict{Deny: true, Reason: failedReason + ": k: timeout", By: 0}},
		"unless open":                   {PreToolUse, []Run{fails}, true, Verdict{By: -1}},
		"or after the fact":             {PostToolUse, []Run{fails}, false, Verdict{By: -1}},
		"a failure beats an approval":   {PermissionRequest, []Run{allow, fails}, false, Verdict{Deny: true, Reason: failedReason + ": k: timeout", By: 1}},
		"the administrator approves":    {PermissionRequest, []Run{allow, managed}, false, Verdict{Allow: true, Managed: true, By: 0}},
		"nobody waits for it":           {PreToolUse, []Run{later}, false, Verdict{By: -1}},
	} {
		got := Combine(c.event, c.runs, c.open)
		if got.Deny != c.want.Deny || got.Allow != c.want.Allow || got.Managed != c.want.Managed || got.Reason != c.want.Reason || string(got.Input) != string(c.want.Input) || got.By != c.want.By {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	long := Combine(PreToolUse, []Run{run(Answer{Context: strings.Repeat("x", 1<<20)})}, false)
	if n := len(long.Contexts[0]); n > defaultContext*bytesPerToken+64 {
		t.Errorf("a context of %d bytes", n)
	}
}

// Whatever a hook writes, it never approves where it may only object, and failures carry nothing else.
func FuzzRead(f *testing.F) {
	f.Add("PreToolUse", 0, []byte(said(PreToolUse, `"permissionDecision":"allow","updatedInput":{"command":"x"}`)), []byte("x"))
	f.Add("PermissionRequest", 0, []byte(said(PermissionRequest, `"decision":{"behavior":"allow"}`)), []byte(""))
	f.Add("Stop", 2, []byte(`{"decision":"block"}`), []byte("x"))
	f.Fuzz(func(t *testing.T, name string, exit int, stdout, stderr []byte) {
		event := Event(name)
		a := Read(event, Ending{Exit: exit, Stdout: stdout, Stderr: stderr})
		if a.Allow && (event != PermissionRequest || exit != 0 || a.Deny || a.Failure != "") {
			t.Errorf("%s %d approves: %+v", event, exit, a)
		}
		if a.Input != nil && event != PreToolUse {
			t.Errorf("%s replaces an input", event)
		}
		if a.Failure != "" && (a.Deny || a.Input != nil || a.Context != "") {
			t.Errorf("a failure that says something: %+v", a)
		}
		if exit != 0 && exit != 2 && a.Failure == "" {
			t.Errorf("exit %d is an answer: %+v", exit, a)
		}
	})
}
