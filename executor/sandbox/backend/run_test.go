//go:build linux

package backend_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
	"proctor/policy/filesystem"
)

// waitLimit bounds every run in these tests.
const waitLimit = 120 * time.Second

// box is a workspace, a directory outside of it and a backend. /tmp is no writable root here, so that
// t.TempDir is outside when it should be.
type box struct {
	ws, out string
	backend sandbox.Backend
}

// outcome is what one run showed.
type outcome struct {
	sandbox.Result
	stdout, stderr string
	denials        []sandbox.Denial
}

func options(t testing.TB, only string) backend.Options {
	t.Helper()
	return backend.Options{StateDir: backend.SharedState(filepath.Join(t.TempDir(), "state")), Path: os.Getenv("PATH"), Executable: "/proc/self/exe", Only: only}
}

// eachBackend runs the test under every backend that works on this machine.
func eachBackend(t *testing.T, test func(t *testing.T, b box)) {
	t.Helper()
	for _, name := range []string{"bwrap", "native", "landlock"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBox(t, name))
		})
	}
}

func newBox(t testing.TB, name string) box {
	t.Helper()
	b, err := backend.Select(t.Context(), options(t, name))
	if errors.Is(err, sandbox.ErrUnavailable) {
		skipWithout(t, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	x := box{ws: filepath.Join(dir, "ws"), out: filepath.Join(dir, "out"), backend: b}
	for _, d := range []string{x.ws, x.out} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func (b box) request() filesystem.Request {
	return filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{b.ws}, ExcludeSlashTmp: true}
}

func (b box) spec(t testing.TB, r filesystem.Request, argv ...string) sandbox.Spec {
	t.Helper()
	plan, err := sandbox.Plan(r)
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Spec{Argv: argv, Dir: b.ws, Env: []string{"PATH=" + os.Getenv("PATH"), "OUT=" + b.out, "HOME=/"}, Plan: plan}
}

// sh runs a script in workspace-write.
func (b box) sh(t testing.TB, script string) outcome {
	t.Helper()
	return b.run(t, b.spec(t, b.request(), "/bin/sh", "-c", script))
}

func (b box) run(t testing.TB, s sandbox.Spec) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	p, o := b.start(t, ctx, s)
	result := p.Wait()
	o.Result = result
	return *o
}

// start returns the process and an outcome that may be read after Wait.
func (b box) start(t testing.TB, ctx context.Context, s sandbox.Spec) (sandbox.Process, *outcome) {
	t.Helper()
	o := &outcome{}
	var stdout, stderr bytes.Buffer
	var mu sync.Mutex
	s.OnOutput = func(name sandbox.Stream, p []byte) {
		mu.Lock()
		defer mu.Unlock()
		if name == sandbox.Stdout {
			stdout.Write(p)
			o.stdout = stdout.String()
			return
		}
		stderr.Write(p)
		o.stderr = stderr.String()
	}
	s.OnDenial = func(d sandbox.Denial) { o.denials = append(o.denials, d) }
	p, err := b.backend.Start(ctx, s)
	if err != nil {
		t.Fatalf("start %q: %v", s.Argv, err)
	}
	return p, o
}
