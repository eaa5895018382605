package reconcile

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
)

func line(f Finding) string {
	words := func(all []Source) string {
		var out []string
		for _, w := range all {
			out = append(out, string(w))
		}
		return strings.Join(out, ",")
	}
	s := string(f.Verdict) + " " + f.Call + " by " + words(f.ToldBy)
	if len(f.Missing) > 0 {
		s += " missing " + words(f.Missing)
	}
	if len(f.Differs) > 0 {
		s += ": " + strings.Join(f.Differs, "; ")
	}
	return s
}

func TestCompare(t *testing.T) {
	b, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name string
		Told []Told
		Want []string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			for range 2 { // whatever the order of the sources
				r := Compare(c.Told)
				var got []string
				for _, f := range r.Calls {
					got = append(got, line(f))
				}
				if diff := cmp.Diff(c.Want, got); diff != "" {
					t.Error(diff)
				}
				if n := r.Match + r.Missing + r.Drift + r.Extra; n != len(r.Calls) || r.Agrees() != (r.Match == n) {
					t.Errorf("%+v", r)
				}
				slices.Reverse(c.Told)
			}
		})
	}
}

func TestScript(t *testing.T) {
	for line, want := range map[string]string{
		`echo hi`:                                    `echo hi`,
		`/bin/bash -lc 'echo hi'`:                    `echo hi`,
		`/bin/bash -c "/bin/bash -c 'exit 3'"`:       `exit 3`,
		`/bin/bash -c 'seq 1 9 | sed s/''^/x/'`:      `seq 1 9 | sed s/^/x/`,
		`/bin/bash -lc "echo \"a\"; printf 'l1\\n'"`: `echo "a"; printf 'l1\n'`,
		`bash -c 'unclosed`:                          `bash -c 'unclosed`,
		`python -c 'print(1)'`:                       `python -c 'print(1)'`,
	} {
		if got := script(line); got != want {
			t.Errorf("%s is %q, want %q", line, got, want)
		}
	}
}

func TestExitIn(t *testing.T) {
	for output, want := range map[string]int{
		"Chunk ID: 01\nWall time: 0.1 seconds\nProcess exited with code 7\nOriginal token count: 2\nOutput:\nx": 7,
		"Exit code: 1\nWall time: 0.2 seconds\nOutput:\nfailed":                                                 1,
		"Chunk ID: 01\nWall time: 0.1 seconds\nOutput:\nProcess exited with code 0\nOutput:\n":                  -9, // said by the command
		"Process exited with code 0\nOutput:\n":                                                                 -9,
		"":                                                                                                      -9,
	} {
		got := -9
		if n := exitIn(output); n != nil {
			got = *n
		}
		if got != want {
			t.Errorf("%q: %d, want %d", output, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	exit := func(n int) *int { return &n }
	action := func(a event.Action) event.Sensitive { return event.SecretJSON(a) }
	for _, c := range []struct {
		name   string
		w      Source
		events []*event.Event
		want   Told
	}{
		{"the executor", Executor, []*event.Event{
			{Call: "a", Payload: &event.ToolDecisionPayload{Outcome: "allow", Action: action(event.Action{Kind: event.ActionCommand, Argv: []string{"/bin/bash", "-c", "exit 3"}})}},
			{Call: "a", Payload: &event.ExecStartedPayload{}},
			{Call: "a", Payload: &event.ToolResultPayload{Status: "completed", ExitCode: exit(3)}},
			{Call: "a", Payload: &event.FileChangePayload{Path: "/w/x", Command: true}},
			{Call: "fs-1", Payload: &event.ToolDecisionPayload{Outcome: "allow"}},
			{Call: "fs-1", Payload: &event.FileChangePayload{Path: "/w/y"}},
			{Call: "a/input-1", Payload: &event.ToolDecisionPayload{Outcome: "allow"}},
			{Call: "b", Payload: &event.ToolDecisionPayload{Outcome: "forbid", Action: action(event.Action{Kind: event.ActionCommand, Argv: []string{"ls", "-l"}})}},
			{Call: "b", Payload: &event.ToolResultPayload{Status: "refused"}},
			{Call: "c", Masked: &event.Masked{}, Payload: &event.ToolDecisionPayload{Outcome: "allow", Action: action(event.Action{Kind: event.ActionCommand, Argv: []string{"x"}})}},
			{Call: "c", Payload: &event.ExecStartedPayload{}},
			{Call: "c", Payload: &event.ToolResultPayload{Status: "interrupted", ExitCode: exit(137)}},
		}, Told{Executor, []Call{
			{ID: "a", Class: Command, What: "exit 3", Outcome: Failed, Exit: exit(3), Ran: true},
			{ID: "b", Class: Command, What: "ls -l", Outcome: Refused},
			{ID: "c", Class: Command, What: "x", Ran: true, Vague: true},
		}, []string{"/w/y"}}},
		{"telemetry", Telemetry, []*event.Event{
			{Call: "reported-a", Payload: &event.ToolResultPayload{ToolName: "exec_command", Success: true, Arguments: event.Secret(`{"cmd": "exit 3"}`), Output: event.Secret("Chunk ID: 1\nProcess exited with code 3\nOutput:\n")}},
			{Call: "reported-b", Payload: &event.ToolResultPayload{ToolName: "write_stdin", Arguments: event.Secret(`{"chars": ""}`), Output: event.Secret("write_stdin failed")}},
			{Call: "reported-c", Payload: &event.ToolResultPayload{ToolName: "exec_command", Success: true, Arguments: event.Secret(`{"cmd":"apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: made.txt\n+m\n*** End Patch\nEOF"}`)}},
			{Call: "reported-d", Payload: &event.ToolResultPayload{ToolName: "exec_command", Success: true, Arguments: event.Secret(`{"cmd":"top"}`), Output: event.Secret("Chunk ID: 1\nWall time: 1\nProcess running with session ID 7\nOutput:\n")}},
		}, Told{Telemetry, []Call{
			{ID: "a", Class: Command, What: "exit 3", Outcome: Failed, Exit: exit(3), Ran: true},
			{ID: "b", Class: Other, What: `write_stdin {"chars":""}`, Outcome: Failed},
			{ID: "c", Class: Patch, What: "made.txt", Files: []string{"made.txt"}, Outcome: Done, Ran: true},
			{ID: "d", Class: Command, What: "top", Ran: true},
		}, nil}},
		{"the stream", Stream, []*event.Event{
			{Call: "reported-turn-1-item_0", Payload: &event.ToolResultPayload{ToolName: "command_execution", Status: "failed", ExitCode: exit(-1), Arguments: event.Secret(`{"command":"/bin/bash -lc 'rm -rf /'"}`)}},
			{Call: "reported-turn-1-item_1", Payload: &event.FileChangePayload{Path: "/w/a", MoveTo: "/w/b"}},
			{Call: "reported-turn-1-item_1", Payload: &event.ToolResultPayload{ToolName: "file_change", Status: "completed", Arguments: event.Secret(`{"changes":[{"path":"/w/a","kind":"update"}]}`)}},
			{Call: "reported-turn-1-item_2", Payload: &event.ToolResultPayload{ToolName: "echo", MCPServer: "demo", Status: "completed", Arguments: event.Secret(`{"t": 1}`)}},
			{Call: "reported-turn-1-item_3", Payload: &event.ToolResultPayload{ToolName: "command_execution", Status: "running", Arguments: event.Secret(`{"command":"sleep 60"}`)}},
		}, Told{Stream, []Call{
			{ID: "turn-1-item_0", Class: Command, What: "rm -rf /", Outcome: Failed},
			{ID: "turn-1-item_1", Class: Patch, What: "a", Files: []string{"/w/a", "/w/b"}, Outcome: Done, Ran: true},
			{ID: "turn-1-item_2", Class: MCP, What: `echo {"t":1}`, Outcome: Done, Ran: true},
			{ID: "turn-1-item_3", Class: Command, What: "sleep 60", Ran: true},
		}, nil}},
		{"the rollout of a command without an item", Rollout, []*event.Event{
			{Call: "reported-a", Payload: &event.ToolResultPayload{ToolName: "exec_command", Arguments: event.Secret(`{"cmd":"touch /etc/x"}`), Output: event.Secret("Chunk ID: 1\nProcess exited with code 1\nOutput:\n")}},
		}, Told{Rollout, []Call{{ID: "a", Class: Command, What: "touch /etc/x", Outcome: Failed, Exit: exit(1), Ran: true, NoItem: true}}, nil}},
		{"hooks, asked a second time by the executor", Hooks, []*event.Event{
			{Call: "a", Payload: &event.ToolDecisionPayload{Outcome: "allow", Action: action(event.Action{Kind: event.ActionCommand, Argv: []string{"bash", "-lc", "ls"}})}},
			{Call: "a", Payload: &event.ToolDecisionPayload{Outcome: "allow", Action: action(event.Action{Kind: event.ActionCommand, Argv: []string{"bash", "-lc", "/bin/bash -c ls"}})}},
			{Call: "a", Payload: &event.ToolResultPayload{ToolName: "Bash", Status: "completed", Success: true}},
			{Call: "b", Payload: &event.ToolDecisionPayload{Outcome: "forbid", Action: action(event.Action{Kind: event.ActionPatch, Patch: "*** Begin Patch\n*** Update File: a\n*** Move to: b\n"})}},
			{Call: "", Payload: &event.ToolDecisionPayload{Outcome: "forbid"}},
		}, Told{Hooks, []Call{
			{ID: "a", Class: Command, What: "ls", Ran: true},
			{ID: "b", Class: Patch, What: "a", Files: []string{"a", "b"}, Outcome: Refused},
		}, nil}},
	} {
		if diff := cmp.Diff(c.want, Read(c.w, c.events)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
