package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const goodRun = `{"seq":5,"session_seq":1,"id":"a","kind":"proctor.history_item","call":"c","payload":{"item_type":"function_call"}}
{"seq":6,"session_seq":2,"id":"b","kind":"codex.tool_decision","call":"c","payload":{"outcome":"allow","action_digest":"d1","reason":"r","policy_digest":"p","facts":"{}"}}
{"seq":8,"session_seq":3,"id":"e","kind":"proctor.exec_started","call":"c","payload":{"decision":"b","action_digest":"d1"}}
{"seq":9,"session_seq":4,"id":"f","kind":"codex.tool_result","call":"c","cause":"e","payload":{"status":"completed","action_digest":"d1"}}
{"seq":10,"session_seq":5,"id":"g","kind":"proctor.session_closed","payload":{"events":5,"counts":{"proctor.history_item":1,"codex.tool_decision":1,"proctor.exec_started":1,"codex.tool_result":1}}}`

// The assertion that every script leans on must itself see each violation.
func TestSupervisedSeesViolations(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"gap in numbers", `"session_seq":3`, `"session_seq":4`, "has the number"},
		{"global order", `"seq":8`, `"seq":6`, "global number"},
		{"another digest", `"decision":"b","action_digest":"d1"`, `"decision":"b","action_digest":"d2"`, "without an earlier decision"},
		{"forbidden", `"outcome":"allow"`, `"outcome":"forbid"`, "without an earlier decision"},
		{"another call", `"kind":"codex.tool_decision","call":"c"`, `"kind":"codex.tool_decision","call":"x"`, "without an earlier decision"},
		{"unknown decision", `"decision":"b"`, `"decision":"z"`, "without an earlier decision"},
		{"result of nothing", `"cause":"e"`, `"cause":"b"`, "does not belong"},
		{"result missing", "codex.tool_result\",\"call", "codex.sse_event\",\"call", "no result"},
		{"no reason", `"reason":"r",`, ``, "lacks facts"},
		{"no policy", `"policy_digest":"p",`, ``, "lacks facts"},
		{"no facts", `,"facts":"{}"`, ``, "lacks facts"},
		{"decision missing", `"kind":"proctor.history_item","call":"c"`, `"kind":"proctor.history_item","call":"y"`, "no decision"},
		{"not closed", "proctor.session_closed", "codex.sse_event", "last event"},
		{"counts", `"codex.tool_result":1`, `"codex.tool_result":2`, "session_closed counts"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var events []recorded
			for line := range strings.Lines(strings.Replace(goodRun, c.old, c.new, 1)) {
				var e recorded
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatal(err)
				}
				events = append(events, e)
			}
			got := strings.Join(check(events), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
