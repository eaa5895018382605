//go:build unix

package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/sandbox/none"
	"proctor/executor/tool"
	"proctor/executor/tool/patch"
	"proctor/policy/filesystem"
)

func TestCommandOutput(t *testing.T) {
	b := newBench(t, Options{Env: []string{"PATH=" + os.Getenv("PATH"), "MARK=here", "TERM=fancy", "PAGER=less"}})
	for _, c := range []struct {
		name, cmd, want string
		exit            int
	}{
		{"standard error and exit code", "echo oops >&2; exit 7", "Process exited with code 7\nOriginal token count: 2\nOutput:\noops\n", 7},
		{"no output", "true", "Process exited with code 0\nOriginal token count: 0\nOutput:\n", 0},
		{"empty command", "", "Process exited with code 0\nOriginal token count: 0\nOutput:\n", 0},
		{"killed", "kill -9 $$", "Process exited with code 137\nOriginal token count: 0\nOutput:\n", 137},
		{"not text", `printf 'a\377b\n'`, "Process exited with code 0\nOriginal token count: 1\nOutput:\na\uFFFDb\n", 0},
		{"environment", `echo $MARK $TERM $NO_COLOR $PAGER $GIT_PAGER $GH_PAGER $LC_ALL $CODEX_CI $CODEX_TOOL_CALL_ID`,
			"Process exited with code 0\nOriginal token count: 11\nOutput:\nhere dumb 1 cat cat cat C.UTF-8 1 call_1\n", 0},
		{"no input", "cat; echo done", "Process exited with code 0\nOriginal token count: 2\nOutput:\ndone\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &recorder{}
			r := b.run(o, ExecName, args{"cmd": c.cmd})
			if d := cmp.Diff(c.want, text(t, r)); d != "" {
				t.Errorf("output (-want +got):\n%s", d)
			}
			if !r.Success || r.ExitCode == nil || *r.ExitCode != c.exit || r.Running != 0 || r.Truncated {
				t.Errorf("got %+v", r)
			}
			if len(o.ends()) != 0 {
				t.Error("Ended was called for a command that was never in the background")
			}
		})
	}
}

func TestObserverHearsStreamsApart(t *testing.T) {
	b, o := newBench(t, Options{}), &recorder{}
	r := b.run(o, ExecName, args{"cmd": "echo out; echo err >&2"})
	if d := cmp.Diff(map[sandbox.Stream]string{sandbox.Stdout: "out\n", sandbox.Stderr: "err\n"}, o.output); d != "" {
		t.Errorf("streams (-want +got):\n%s", d)
	}
	if len(r.Aggregated) != len("out\nerr\n") {
		t.Errorf("aggregated is %q", r.Aggregated)
	}
}

func TestLongOutputIsCut(t *testing.T) {
	b := newBench(t, Options{})
	r := b.run(&recorder{}, ExecName, args{"cmd": "seq 1 2000", "max_output_tokens": 50})
	want := "Process exited with code 0\nOriginal token count: 2224\nOutput:\nWarning: truncated output (original token count: 2224)\nTotal output lines: 2000\n\n1\n2\n"
	if got := text(t, r); !r.Truncated || !strings.HasPrefix(got, want) || !strings.Contains(got, "\n3…2174 tokens truncated…1981\n") {
		t.Errorf("got %q", got)
	}
	if len(r.Aggregated) != 8893 {
		t.Errorf("aggregated has %d bytes", len(r.Aggregated))
	}
	r = b.run(&recorder{}, ExecName, args{"cmd": "seq 1 200000", "max_output_tokens": 1_000_000})
	if len(r.Output) > 4*tool.DefaultOutputTokens+500 || len(r.Aggregated) > tool.MaxAggregated+50 {
		t.Errorf("output has %d bytes and aggregated %d", len(r.Output), len(r.Aggregated))
	}
}

func TestOtherDigestDoesNotRun(t *testing.T) {
	b := newBench(t, Options{})
	p, err := b.propose(ExecName, args{"cmd": "touch made"})
	if err != nil {
		t.Fatal(err)
	}
	other := p.Action()
	other.Argv[2] = "touch other"
	_, err = p.Run(context.Background(), tool.Grant{Plan: full, Backend: none.Backend{}, Digest: other.Digest()}, &recorder{})
	if _, made := os.Stat(filepath.Join(b.m.o.Dir, "made")); !errors.Is(err, tool.ErrDigest) || made == nil {
		t.Errorf("got %v, file %v; want ErrDigest and no file", err, made)
	}
}

func TestRefusedStartIsNotRun(t *testing.T) {
	b := newBench(t, Options{})
	b.plan = filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff} // none does not take it
	r, err := b.runContext(context.Background(), &recorder{}, ExecName, args{"cmd": "true"})
	if !errors.Is(err, tool.ErrNotStarted) || !errors.Is(err, sandbox.ErrUnsupported) || !strings.HasPrefix(r.Output, "exec_command failed: ") {
		t.Errorf("got %v %+v", err, r)
	}
}

func TestAction(t *testing.T) {
	dir := realDir(t)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{Dir: dir, Env: []string{"B=2", "A=1"}, Shell: "/bin/sh", AllowLoginShell: true})
	p, err := b.propose(ExecName, args{"cmd": "x", "workdir": "sub", "tty": true, "sandbox_permissions": "require_escalated", "justification": "why?", "prefix_rule": []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	want := event.Action{
		Kind: event.ActionCommand, Tool: ExecName, Argv: []string{"/bin/sh", "-lc", "x"}, Cwd: filepath.Join(dir, "sub"), TTY: true,
		Permissions: event.RequireEscalated, Justification: "why?",
		EnvNames: []string{"A", "B", "CODEX_CI", "CODEX_TOOL_CALL_ID", "COLORTERM", "GH_PAGER", "GIT_PAGER", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "PAGER", "TERM"},
	}
	if d := cmp.Diff(want, p.Action()); d != "" {
		t.Errorf("action (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"x"}, p.(tool.Prefixed).PrefixRule()); d != "" {
		t.Errorf("prefix (-want +got):\n%s", d)
	}
}

func TestRefusedArguments(t *testing.T) {
	b := newBench(t, Options{})
	fake := filepath.Join(b.m.o.Dir, "bash")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tool, field string
		args        args
	}{
		{ExecName, "cmd", args{}},
		{ExecName, "cmd", args{"cmd": strings.Repeat("x", 128<<10)}},
		{ExecName, "cmd", args{"cmd": "a\x00b"}},
		{ExecName, "workdir", args{"cmd": "x", "workdir": "missing"}},
		{ExecName, "login", args{"cmd": "x", "login": true}},
		{ExecName, "shell", args{"cmd": "x", "shell": fake}},
		{ExecName, "shell", args{"cmd": "x", "shell": "./bash"}},
		{ExecName, "shell", args{"cmd": "x", "shell": "python3"}},
		{ExecName, "sandbox_permissions", args{"cmd": "x", "sandbox_permissions": "bogus"}},
		{ExecName, "yield_time_ms", args{"cmd": "x", "yield_time_ms": "10"}},
		{ExecName, "max_output_tokens", args{"cmd": "x", "max_output_tokens": -1}},
		{StdinName, "session_id", args{"chars": "x"}},
	} {
		_, err := b.propose(c.tool, c.args)
		if got, ok := errors.AsType[*tool.ArgumentError](err); !ok || got.Field != c.field {
			t.Errorf("%.60v: got %v, want field %s", c.args, err, c.field)
		}
	}
	if _, err := New(Options{Dir: "relative", Shell: "fish"}); err == nil || !strings.Contains(err.Error(), "relative") || !strings.Contains(err.Error(), "fish") {
		t.Errorf("got %v, want both problems", err)
	}
}

func TestWaits(t *testing.T) {
	for _, c := range []struct{ got, want time.Duration }{
		{commandWait(-1), 10 * time.Second}, {commandWait(1), 250 * time.Millisecond}, {commandWait(700), 700 * time.Millisecond}, {commandWait(999_999), 30 * time.Second},
		{inputWait(-1, false, maxPoll), 250 * time.Millisecond}, {inputWait(999_999, false, maxPoll), 30 * time.Second},
		{inputWait(-1, true, maxPoll), 5 * time.Second}, {inputWait(60_000, true, maxPoll), time.Minute}, {inputWait(9_999_999, true, maxPoll), 5 * time.Minute},
		{inputWait(60_000, true, time.Second), time.Second},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestPatchThroughTheShell(t *testing.T) {
	dir := realDir(t)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	impl, err := patch.New(dir, patch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{Dir: dir, Patch: impl})
	body := "*** Begin Patch\n*** Add File: made\n+$HOME `x`\n*** End Patch"
	p, err := b.propose(ExecName, args{"cmd": "cd sub && apply_patch <<'EOF'\n" + body + "\nEOF\n"})
	if err != nil {
		t.Fatal(err)
	}
	want := event.Action{Kind: event.ActionPatch, Tool: ExecName, Cwd: filepath.Join(dir, "sub"), Patch: body + "\n", Files: []string{filepath.Join(dir, "sub/made")}}
	if d := cmp.Diff(want, p.Action()); d != "" {
		t.Fatalf("action (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]tool.Change{{Path: filepath.Join(dir, "sub/made"), Kind: "add"}}, p.(tool.Changer).Changes()); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	o := &recorder{}
	r, err := p.Run(context.Background(), tool.Grant{Plan: full, Digest: want.Digest()}, o)
	if err != nil || !strings.HasPrefix(r.Output, "Wall time: 0.") || !strings.HasSuffix(r.Output, "seconds\nOutput:\nExit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\nA made\n") {
		t.Errorf("got %v %+v", err, r)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "sub/made")); string(got) != "$HOME `x`\n" || len(o.files) != 1 {
		t.Errorf("got %q %v with %d changes told", got, err, len(o.files))
	}
	if _, err := b.propose(ExecName, args{"cmd": body}); err == nil || !strings.Contains(err.Error(), "bare patch") {
		t.Errorf("a bare patch: got %v", err)
	}
	if _, err := b.propose(ExecName, args{"cmd": "apply_patch <<EOF\nnonsense\nEOF"}); err == nil || !strings.HasPrefix(err.Error(), "apply_patch verification failed: ") {
		t.Errorf("a patch that is none: got %v", err)
	}
}
