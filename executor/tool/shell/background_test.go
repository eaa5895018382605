//go:build unix

package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/policy"
)

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
	if err := syscall.Mkfifo(filepath.Join(dir, "gate"), 0o600); err != nil {
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
