//go:build linux

package backend_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
)

func TestNothingUsableIsAnErrorWithAdvice(t *testing.T) {
	t.Parallel()
	o := backend.Options{StateDir: t.TempDir(), Path: "/no/such/dir", Only: "bwrap"}
	_, err := backend.Select(t.Context(), o)
	if !errors.Is(err, sandbox.ErrUnavailable) || !strings.Contains(err.Error(), "bubblewrap") {
		t.Fatalf("got %v, want ErrUnavailable with advice", err)
	}
	o.Unconfined = true
	b, err := backend.Select(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	x := box{ws: t.TempDir(), out: t.TempDir(), backend: b}
	if _, err := b.Start(t.Context(), x.spec(t, x.request(), "/bin/true")); !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("confined plan without a backend: %v, want ErrUnavailable", err)
	}
	s := x.spec(t, x.request(), "/bin/true")
	s.Plan = unconfined()
	if r := x.run(t, s); r.ExitCode != 0 {
		t.Errorf("unconfined: %+v", r)
	}
}

func TestPlanGoesToTheBackendThatCanEnforceIt(t *testing.T) {
	t.Parallel()
	newBox(t, "bwrap") // skips without it
	b := newBox(t, "")
	host(t, b, "mkdir real; ln -s real .codex")
	if r := b.sh(t, "rm .codex"); r.ExitCode == 0 {
		t.Error("the protected link was removed")
	}
	b.backend = newBox(t, "bwrap").backend
	if _, err := b.backend.Start(t.Context(), b.spec(t, b.request(), "/bin/true")); !errors.Is(err, sandbox.ErrUnsupported) {
		t.Errorf("bwrap alone: %v, want ErrUnsupported", err)
	}
}

func TestProbeIsAskedOncePerBoot(t *testing.T) {
	t.Parallel()
	newBox(t, "bwrap") // skips without it
	o := options(t, "bwrap")
	o.StateDir = t.TempDir() // whose answers are counted
	if _, err := backend.Select(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(o.StateDir + "/probes/bwrap-*.json")
	if err != nil || len(list) != 1 {
		t.Fatalf("cached answers: %v, %v", list, err)
	}
	before, err := os.Stat(list[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backend.Select(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(list[0])
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("probed again (%v)", err)
	}
}

func TestProbeReports(t *testing.T) {
	t.Parallel()
	reports, err := backend.Probe(t.Context(), options(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != 3 {
		t.Fatalf("got %d reports, want 3", len(reports))
	}
	for _, r := range reports {
		if r.Usable == (r.Reason != "") {
			t.Errorf("usable and reason contradict each other: %+v", r)
		}
	}
}

// A state directory inside a writable root must not be writable for commands.
func TestStateInsideTheWorkspaceIsReadOnly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bwrap", "native"} {
		b := newBox(t, name)
		o := options(t, name)
		o.StateDir = filepath.Join(b.ws, "state")
		var err error
		if b.backend, err = backend.Select(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if r := b.sh(t, "echo x > state/lock || mv state s2"); r.ExitCode == 0 {
			t.Errorf("%s: the state directory was changed", name)
		}
	}
}
