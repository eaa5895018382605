package shell

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/sandbox/none"
	"proctor/executor/tool"
	"proctor/executor/tool/patch"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// recorder is an Observer that remembers. It is safe for concurrent use.
type recorder struct {
	mu     sync.Mutex
	output map[sandbox.Stream]string
	denied []sandbox.Denial
	ended  []tool.Result
	files  []event.FileChangePayload
}

func (r *recorder) Output(s sandbox.Stream, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.output == nil {
		r.output = map[sandbox.Stream]string{}
	}
	r.output[s] += string(p)
}

func (r *recorder) Denied(d sandbox.Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied = append(r.denied, d)
}

func (r *recorder) Changed(c event.FileChangePayload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = append(r.files, c)
}

func (r *recorder) Ended(res tool.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, res)
}

func (r *recorder) ends() []tool.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]tool.Result(nil), r.ended...)
}

var full = filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn}

// bench is a Manager with its tools, run under one plan and backend.
type bench struct {
	t       *testing.T
	m       *Manager
	tools   *tool.Registry
	plan    filesystem.Plan
	backend sandbox.Backend
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	if o.Dir == "" {
		o.Dir = realDir(t)
	}
	if o.Env == nil {
		o.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + o.Dir}
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	tools, err := tool.NewRegistry(m.Tools()...)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, m, tools, full, none.Backend{}}
}

func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (b *bench) propose(name string, args any) (tool.Proposal, error) {
	b.t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		b.t.Fatal(err)
	}
	impl, err := b.tools.Lookup("", name)
	if err != nil {
		b.t.Fatal(err)
	}
	return impl.Propose(context.Background(), tool.Call{ID: "call_1", Name: name, Arguments: string(raw)})
}

func (b *bench) runContext(ctx context.Context, o tool.Observer, name string, args any) (tool.Result, error) {
	b.t.Helper()
	p, err := b.propose(name, args)
	if err != nil {
		b.t.Fatal(err)
	}
	return p.Run(ctx, tool.Grant{Plan: b.plan, Backend: b.backend, Digest: p.Action().Digest()}, o)
}

func (b *bench) run(o tool.Observer, name string, args any) tool.Result {
	b.t.Helper()
	r, err := b.runContext(context.Background(), o, name, args)
	if err != nil {
		b.t.Fatalf("%v: %+v", err, r)
	}
	return r
}

type args map[string]any

var heading = regexp.MustCompile(`^Chunk ID: [0-9a-f]{6}\nWall time: \d+\.\d{4} seconds\n`)

// text is the output of r without the lines that change from run to run.
func text(t *testing.T, r tool.Result) string {
	t.Helper()
	at := heading.FindStringIndex(r.Output)
	if at == nil {
		t.Fatalf("output has no heading: %q", r.Output)
	}
	return r.Output[at[1]:]
}

func TestCommandOutput(t *testing.T) {
	b := newBench(t, Options{Env: []string{"PATH=" + os.Getenv("PATH"), "MARK=here"}})
	for _, c := range []struct {
		name, cmd, want string
		exit            int
	}{
		{"both streams and exit code", "echo out; echo oops >&2; exit 7", "Process exited with code 7\nOriginal token count: 3\nOutput:\nout\noops\n", 7},
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

// TestBackground: a slow command goes to the background, is asked again, and ends once.
func TestBackground(t *testing.T) {
	b, o := newBench(t, Options{MaxPoll: 10 * time.Second}), &recorder{}
	r := b.run(o, ExecName, args{"cmd": "echo first; read -r _ < gate; echo second; exit 3", "yield_time_ms": 250, "workdir": fifo(t, b.m.o.Dir)})
	if r.Running != 1 || r.ExitCode != nil || !strings.HasSuffix(text(t, r), "Process running with session ID 1\nOriginal token count: 2\nOutput:\nfirst\n") {
		t.Fatalf("got %+v", r)
	}
	if err := os.WriteFile(filepath.Join(b.m.o.Dir, "gate"), []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	w := b.run(&recorder{}, StdinName, args{"session_id": 1})
	if w.Running != 0 || w.ExitCode == nil || *w.ExitCode != 3 || text(t, w) != "Process exited with code 3\nOriginal token count: 2\nOutput:\nsecond\n" {
		t.Errorf("got %+v", w)
	}
	ends := o.ends()
	if len(ends) != 1 || ends[0].Aggregated != "first\nsecond\n" || *ends[0].ExitCode != 3 || !ends[0].Success {
		t.Errorf("ended %+v", ends)
	}
	if again := b.run(&recorder{}, StdinName, args{"session_id": 1}); again.Success || again.Output != "write_stdin failed: Unknown process id 1" {
		t.Errorf("a second answer about the same end: %+v", again)
	}
}

// fifo makes one named gate in dir, on which a command can wait.
func fifo(t *testing.T, dir string) string {
	t.Helper()
	if err := mkfifo(filepath.Join(dir, "gate")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTerminalTakesInput(t *testing.T) {
	b, o := newBench(t, Options{}), &recorder{}
	r := b.run(o, ExecName, args{"cmd": "read x; echo got $x $TERM", "tty": true, "yield_time_ms": 250})
	if r.Running == 0 {
		t.Fatalf("got %+v", r)
	}
	p, err := b.propose(StdinName, args{"session_id": r.Running, "chars": "abc\n"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(event.Action{Kind: event.ActionStdin, Tool: StdinName, Process: r.Running, Input: "abc\n"}, p.Action()); d != "" {
		t.Errorf("action (-want +got):\n%s", d)
	}
	if d := cmp.Diff(policy.Stdin{Known: true, Unconfined: true}, p.(tool.StdinFacts).StdinFacts()); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	other := p.Action()
	other.Input = "rm\n"
	if _, err := p.Run(context.Background(), tool.Grant{Digest: other.Digest()}, o); !errors.Is(err, tool.ErrDigest) {
		t.Errorf("got %v, want ErrDigest", err)
	}
	w, err := p.Run(context.Background(), tool.Grant{Digest: p.Action().Digest()}, o)
	if err != nil || w.ExitCode == nil && w.Running == 0 {
		t.Fatalf("got %+v %v", w, err)
	}
	if w.Running != 0 {
		w = b.run(o, StdinName, args{"session_id": r.Running})
	}
	ends := o.ends()
	if len(ends) != 1 || !strings.Contains(ends[0].Aggregated, "got abc xterm") {
		t.Errorf("ended %+v", ends)
	}
}

func TestInputWithoutTerminal(t *testing.T) {
	b, o := newBench(t, Options{}), &recorder{}
	r := b.run(o, ExecName, args{"cmd": "trap 'echo caught; exit 5' INT; while :; do sleep 0.05; done", "yield_time_ms": 250})
	if w := b.run(o, StdinName, args{"session_id": r.Running, "chars": "x"}); w.Success || !strings.Contains(w.Output, "stdin is closed for this session") {
		t.Errorf("got %+v", w)
	}
	b.run(o, StdinName, args{"session_id": r.Running, "chars": "\x03", "yield_time_ms": 10_000})
	if ends := o.ends(); len(ends) != 1 || *ends[0].ExitCode != 5 || ends[0].Aggregated != "caught\n" {
		t.Errorf("ended %+v", ends)
	}
}

func TestUnknownProcess(t *testing.T) {
	b := newBench(t, Options{})
	p, err := b.propose(StdinName, args{"session_id": 99999, "chars": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(policy.Stdin{}, p.(tool.StdinFacts).StdinFacts()); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	if r := b.run(&recorder{}, StdinName, args{"session_id": 99999}); r.Success || r.Output != "write_stdin failed: Unknown process id 99999" {
		t.Errorf("got %+v", r)
	}
}

func TestCancelKillsTheCommand(t *testing.T) {
	b, o := newBench(t, Options{}), &recorder{}
	ctx, cancel := context.WithCancel(context.Background())
	started := &signalling{recorder: o, on: cancel}
	r, err := b.runContext(ctx, started, ExecName, args{"cmd": "echo on; sleep 60", "yield_time_ms": 30_000})
	if !errors.Is(err, context.Canceled) || r.Success || r.ExitCode == nil || *r.ExitCode != 137 || r.Aggregated != "on\n" || r.Duration > 20*time.Second {
		t.Errorf("got %v %+v", err, r)
	}
}

// signalling calls on at the first output.
type signalling struct {
	*recorder
	once sync.Once
	on   func()
}

func (s *signalling) Output(stream sandbox.Stream, p []byte) {
	s.recorder.Output(stream, p)
	s.once.Do(s.on)
}

func TestCloseEndsBackgroundCommands(t *testing.T) {
	b, o := newBench(t, Options{}), &recorder{}
	for range 3 {
		if r := b.run(o, ExecName, args{"cmd": "sleep 60", "yield_time_ms": 250}); r.Running == 0 {
			t.Fatalf("got %+v", r)
		}
	}
	if err := b.m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	ends := o.ends()
	if len(ends) != 3 || ends[0].Success || *ends[0].ExitCode != 137 {
		t.Errorf("ended %+v", ends)
	}
	r, err := b.runContext(context.Background(), o, ExecName, args{"cmd": "true"})
	if !errors.Is(err, tool.ErrNotStarted) || !errors.Is(err, tool.ErrClosed) || r.Success {
		t.Errorf("after Close: got %v %+v", err, r)
	}
}

func TestNumberOfProcessesIsBounded(t *testing.T) {
	b, o := newBench(t, Options{MaxRunning: 2}), &recorder{}
	slow := args{"cmd": "sleep 60", "yield_time_ms": 250}
	b.run(o, ExecName, slow)
	quick := b.run(o, ExecName, args{"cmd": "sleep 0.4", "yield_time_ms": 250})
	if r := b.run(o, ExecName, slow); r.Success || !strings.Contains(r.Output, "too many commands are running: 2") {
		t.Errorf("got %+v", r)
	}
	<-b.m.find(quick.Running).ended
	if r := b.run(o, ExecName, slow); r.Running != 3 {
		t.Errorf("an ended command holds its place: %+v", r)
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
