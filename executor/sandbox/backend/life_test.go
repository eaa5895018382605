//go:build linux

package backend_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
)

func selectBackend(t testing.TB, o backend.Options) (sandbox.Backend, error) {
	return backend.Select(t.Context(), o)
}

const forever = "(setsid sleep 1000) & echo ready; while :; do sleep 1; done"

// ready starts a command and returns once it has written something.
func (b box) ready(t *testing.T, ctx context.Context, s sandbox.Spec) sandbox.Process {
	t.Helper()
	wrote := make(chan struct{}, 64) // one for each chunk, far more than these scripts write
	s.OnOutput = func(sandbox.Stream, []byte) { wrote <- struct{}{} }
	p, err := b.backend.Start(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-wrote:
	case <-p.Done():
		t.Fatalf("ended early: %+v", p.Wait())
	}
	return p
}

func waitFor(t *testing.T, p sandbox.Process) sandbox.Result {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(waitLimit):
		p.Kill()
		t.Fatal("the command did not end")
	}
	return p.Wait()
}

func TestKill(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		p := b.ready(t, t.Context(), b.spec(t, b.request(), "/bin/sh", "-c", forever))
		p.Kill()
		if r := waitFor(t, p); r.ExitCode != 137 || r.Signal != syscall.SIGKILL {
			t.Errorf("killed: %+v", r)
		}
		p.Kill() // again, after the end
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		ctx, cancel := context.WithCancel(t.Context())
		p := b.ready(t, ctx, b.spec(t, b.request(), "/bin/sh", "-c", forever))
		cancel()
		if r := waitFor(t, p); r.ExitCode != 137 {
			t.Errorf("cancelled: %+v", r)
		}
		if _, err := b.backend.Start(ctx, b.spec(t, b.request(), "/bin/true")); !errors.Is(err, context.Canceled) {
			t.Errorf("start after cancel: %v", err)
		}
	})
}

func TestSignal(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		p := b.ready(t, t.Context(), b.spec(t, b.request(), "/bin/sh", "-c", "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done"))
		if err := p.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if r := waitFor(t, p); r.ExitCode != 9 {
			t.Errorf("after SIGUSR1: %+v, want exit 9", r)
		}
		if err := p.Signal(syscall.SIGTERM); err == nil {
			t.Error("signal after the end: no error")
		}
	})
}

func TestStandardInput(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		s := b.spec(t, b.request(), "/bin/cat")
		s.Stdin = true
		p, o := b.start(t, t.Context(), s)
		if _, err := p.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := p.CloseStdin(); err != nil {
			t.Fatal(err)
		}
		if r := waitFor(t, p); r.ExitCode != 0 || o.stdout != "hello" {
			t.Errorf("cat: %+v, output %q", r, o.stdout)
		}
	})
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		s := b.spec(t, b.request(), "/bin/sh", "-c", "test -t 0 && test -t 1 && stty size && echo x > /dev/tty; exit 5")
		s.TTY, s.Rows, s.Cols = true, 33, 99
		r := b.run(t, s)
		if r.ExitCode != 5 || !strings.Contains(r.stdout, "33 99") || !strings.Contains(r.stdout, "x") {
			t.Errorf("terminal: %+v", r)
		}
		// Ctrl-C reaches the command, and only the command.
		s = b.spec(t, b.request(), "/bin/sh", "-c", "trap 'exit 6' INT; echo ready; while :; do sleep 0.05; done")
		s.TTY = true
		p := b.ready(t, t.Context(), s)
		if _, err := p.Write([]byte{3}); err != nil {
			t.Fatal(err)
		}
		if r := waitFor(t, p); r.ExitCode != 6 {
			t.Errorf("after Ctrl-C: %+v, want exit 6", r)
		}
	})
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		before := names(t, b.ws)
		p := b.ready(t, t.Context(), b.spec(t, b.request(), "/bin/sh", "-c", forever))
		if r := b.sh(t, "mkdir .git"); r.ExitCode == 0 {
			t.Error("second command made .git")
		}
		if got := names(t, b.ws); !strings.Contains(got, ".git") && !b.lacks("placeholders") {
			t.Errorf("placeholder of the first command is gone while it runs: %q", got)
		}
		p.Kill()
		waitFor(t, p)
		if after := names(t, b.ws); after != before {
			t.Errorf("workspace: %q before, %q after", before, after)
		}
	})
}

func TestKilledSupervisorTakesEverythingAlong(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_SUPERVISE="+b.ws, "SANDBOX_TEST_BACKEND="+b.backend.Name())
		cmd.Stdout, cmd.Stderr = write, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		write.Close()
		out := bufio.NewReader(read)
		if line, err := out.ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("supervisor said %q, %v", line, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		// The command and its background child hold the pipe: it ends when they do.
		if err := read.SetReadDeadline(time.Now().Add(waitLimit)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Fatalf("the command survived its supervisor: %v", err)
		}
		for end := time.Now().Add(waitLimit); names(t, b.ws) != ""; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("left in the workspace: %q", names(t, b.ws))
			}
		}
	})
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range list {
		out = append(out, filepath.Base(p))
	}
	return strings.Join(out, " ")
}
