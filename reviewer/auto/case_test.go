package auto

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCases runs the sample cases; PROCTOR_CASES names their folder.
func TestCases(t *testing.T) {
	folder := os.Getenv("PROCTOR_CASES")
	if folder == "" {
		t.Skip("PROCTOR_CASES does not name the folder of the case files")
	}
	for _, name := range []string{"review.jsonl", "breaker.jsonl"} {
		f, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			id, pass, got, want, err := RunCase(lines.Bytes())
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !pass {
				t.Errorf("%s %s\n got %s\nwant %s", name, id, got, want)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// own cases: what the samples leave out.
func TestCasesOfOurOwn(t *testing.T) {
	const command = `"config":{"approval_policy":"on-request","approvals_reviewer":"auto_review","sandbox_mode":"workspace-write","headless":true},"action":{"kind":"command","command":["make"],"cwd":"/ws","sandbox_permissions":"require_escalated","justification":"j"}`
	for _, test := range []struct{ name, line string }{
		{"stall", `{"reviewer_answers":[{"kind":"timeout"}],"expected":{"attempts":1,"terminal_status":"timed_out","may_run":false}}`},
		{"cut", `{"reviewer_answers":[{"kind":"cut"}],"expected":{"attempts":1,"terminal_status":"failed_closed","failure_reason":"session_error"}}`},
		{"cancelled during", `{"reviewer_answers":[{"kind":"cancelled_during"}],"expected":{"attempts":1,"terminal_status":"aborted","failure_reason":"cancelled","may_run":false}}`},
		{"critical allow is overruled", `{"reviewer_answers":[{"kind":"text","text":"{\"outcome\":\"allow\",\"risk_level\":\"critical\",\"user_authorization\":\"high\"}"}],"expected":{"status":"approved","outcome":"allow","may_run":true,"counts_as_denial":false,"strict_gate":{"may_run":false}}}`},
		{"slow garbage runs into the deadline", `{"reviewer_answers":[{"kind":"text","text":"?","after_seconds":50}],"expected":{"attempts":2,"terminal_status":"timed_out"}}`},
		{"the server's wait would pass the deadline", `{"reviewer_answers":[{"kind":"http","status":429,"retry_after_seconds":600}],"expected":{"attempts":1,"terminal_status":"failed_closed"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, pass, got, want, err := RunCase([]byte(`{"kind":"review","id":"own",` + command + `,` + strings.TrimPrefix(test.line, "{")))
			if err != nil {
				t.Fatal(err)
			}
			if !pass {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
