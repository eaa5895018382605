package cases

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Our own case files pass, whole.
func TestOwnCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no case files under testdata", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			err = Run(strings.NewReader(string(text)), func(r Result) {
				n++
				if !r.Pass {
					t.Errorf("%s: got %s, want %s (%s)", r.ID, r.Got, r.Want, r.Note)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(string(text), "\n"); n != lines {
				t.Errorf("%d of %d lines were judged", n, lines)
			}
		})
	}
}

// A case that does not hold fails, each expectation by itself; an unknown kind never passes.
func TestFailingCases(t *testing.T) {
	for _, line := range []string{
		`{"kind":"command","id":"x","argv":["ls"],"expect":"dangerous"}`,
		`{"kind":"command","id":"x","argv":["ls"],"expect":"safe","accept":["dangerous"]}`,
		`{"kind":"rules","id":"x","policies":["prefix_rule(['a'])"],"command":["a"],"expect":"allow","expect_matched_prefixes":[]}`,
		`{"kind":"rules","id":"x","policies":["prefix_rule("],"command":["a"],"expect":"none"}`,
		`{"kind":"egress","id":"x","config":{"enabled":true},"host":"a","port":1,"protocol":"http","expect":"allow"}`,
		`{"kind":"egress","id":"x","config":{"enabled":true},"host":"a","port":1,"protocol":"http","expect":"deny","reason":"denied"}`,
		`{"kind":"egress","id":"x","config":{"enabled":true},"host":"a","port":1,"protocol":"http","expect":"deny","dns":"required"}`,
		`{"kind":"egress_config","id":"x","domains":{"**":"allow"},"expect":"valid"}`,
		`{"kind":"egress_bind","id":"x","requested":"","expect":"127.0.0.1:1"}`,
		`{"kind":"weather","id":"x"}`,
	} {
		var got []Result
		if err := Run(strings.NewReader(line), func(r Result) { got = append(got, r) }); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if len(got) != 1 || got[0].Pass || got[0].ID != "x" || got[0].Got == "" || got[0].Want == "" {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// What is no case stops the run and names the line; what came before was judged.
func TestBadLines(t *testing.T) {
	for _, bad := range []string{"{", "[]", `{"id":"x"}`, `{"kind":"command","argv":["ls"]}`, `{"kind":"command","expect":"safe"}`,
		`{"kind":"rules","expect":"allow"}`, `{"kind":"egress","config":{},"host":"a"}`, `{"kind":"egress","config":{},"host":"a","expect":"deny","resolved_ips":["x"]}`,
		`{"kind":"egress_bind","expect":"x"}`, strings.Repeat(" ", maxLine+1)} {
		n := 0
		err := Run(strings.NewReader(`{"kind":"command","argv":["ls"],"expect":"safe"}`+"\n\n"+bad), func(Result) { n++ })
		if e, ok := errors.AsType[*LineError](err); !ok || e.Line != 3 || n != 1 {
			t.Errorf("%.60s: error %v after %d cases, want one at line 3", bad, err, n)
		}
	}
}

// Any bytes give results or an error with a line.
func FuzzRun(f *testing.F) {
	f.Add([]byte(`{"kind":"command","argv":["ls"],"expect":"safe"}`))
	f.Add([]byte(`{"kind":"rules","policies":["x"],"command":["a"],"expect":"error"}`))
	f.Add([]byte(`{"kind":"egress","config":{"enabled":true,"domains":{"*":"allow"}},"host":"a","port":1,"protocol":"http","expect":"deny"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		err := Run(strings.NewReader(string(text)), func(r Result) {
			if r.Kind == "" {
				t.Fatal("a result without kind")
			}
		})
		if _, ok := errors.AsType[*LineError](err); err != nil && !ok {
			t.Fatal(err)
		}
	})
}
