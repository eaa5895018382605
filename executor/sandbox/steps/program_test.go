//go:build linux

package steps

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// start runs a program with standard output as its descriptor 1 and returns what it wrote and its exit status.
func start(t *testing.T, p *Program) (string, int) {
	t.Helper()
	f, err := p.File("test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	cmd := &exec.Cmd{Path: "/proc/self/fd/3", Args: []string{"test"}, Stdout: &out, Stderr: &out, ExtraFiles: []*os.File{f}}
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func (p *Program) say(s string) uintptr {
	return p.Add(Step{Name: "say", Call: unix.SYS_WRITE, Args: [6]uintptr{1, p.String(s), uintptr(len(s))}, Want: int64(len(s))})
}

func (p *Program) exit(code uintptr) uintptr {
	return p.Add(Step{Name: "exit", Call: unix.SYS_EXIT_GROUP, Args: [6]uintptr{code}})
}

// sample forks, lets the child become a shell, waits for exactly that child, and says so.
func sample() *Program {
	p := New()
	first := p.Add(Step{Name: "begin", Call: unix.SYS_GETPPID, Want: -1})
	failed := p.Add(Step{Name: "report", Call: unix.SYS_WRITE, Args: [6]uintptr{1, Report, ReportSize}, Want: ReportSize})
	p.exit(9)
	p.OnFailure(failed)
	p.At(first).Positive = p.Next()
	p.say("hello ")
	fork := p.Add(Step{Name: "fork", Call: unix.SYS_CLONE, Args: [6]uintptr{unix.CLONE_VM | unix.CLONE_VFORK | uintptr(unix.SIGCHLD)}})
	status := p.Words(0)
	wait := p.Add(Step{Name: "wait", Call: unix.SYS_WAIT4, Args: [6]uintptr{^uintptr(0), status}})
	p.At(fork).Keep, p.At(fork).Positive = Want(wait), wait
	p.say("bye")
	p.exit(3)
	p.At(fork).Then = p.Next()
	p.Add(Step{Name: "execute", Call: unix.SYS_EXECVE, Args: [6]uintptr{p.String("/bin/sh"), p.Strings([]string{"sh", "-c", "echo $WHO"}), p.Strings([]string{"WHO=child"})}})
	return p
}

func TestProgram(t *testing.T) {
	if out, code := start(t, sample()); out != "hello child\nbye" || code != 3 {
		t.Errorf("got %q and status %d", out, code)
	}
}

func TestFailureIsExplained(t *testing.T) {
	p := sample()
	for i := range p.steps {
		if p.steps[i].Name == "execute" {
			p.steps[i].Args[0] = p.String("/no/such/program")
		}
	}
	out, code := start(t, p)
	report, ok := strings.CutPrefix(out, "hello ")
	if !ok || !strings.HasSuffix(report, "bye") || code != 3 {
		t.Fatalf("got %q and status %d", out, code)
	}
	if err := p.Explain([]byte(strings.TrimSuffix(report, "bye"))); !errors.Is(err, unix.ENOENT) || !strings.HasPrefix(err.Error(), "execute: ") {
		t.Errorf("explained as %v", err)
	}
	for _, b := range [][]byte{nil, make([]byte, ReportSize), bytes.Repeat([]byte{0xff}, ReportSize)} {
		if p.Explain(b) == nil {
			t.Errorf("%x: explained", b)
		}
	}
}

func TestWhatTheChildSeesIsSmall(t *testing.T) {
	b, err := sample().image()
	if err != nil {
		t.Fatal(err)
	}
	if limit := 4 * os.Getpagesize(); len(b) > limit {
		t.Errorf("the image has %d bytes, more than %d", len(b), limit)
	}
}
