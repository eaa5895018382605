//go:build linux

package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/bwrap"
	"proctor/executor/sandbox/mountpoint"
	"proctor/policy/filesystem"
)

// TestConfinedCommand runs a command under the real bubblewrap: what it may not write is refused, and the observer hears of it.
func TestConfinedCommand(t *testing.T) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("needs bubblewrap (bwrap)")
	}
	if err := exec.Command(path, "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "true").Run(); err != nil {
		t.Skipf("needs user namespaces: %v", err)
	}
	registry, err := mountpoint.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{})
	backend, err := bwrap.New(bwrap.Options{Path: path, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	outside, err := os.MkdirTemp("/var/tmp", "outside") // t.TempDir may be below a writable root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(outside) })
	plan, err := sandbox.Plan(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{b.m.o.Dir}, ExcludeSlashTmp: true, ExcludeTmpdirEnvVar: true})
	if err != nil {
		t.Fatal(err)
	}
	b.plan, b.backend = plan, backend
	o := &recorder{}
	target := filepath.Join(outside, "x")
	r := b.run(o, ExecName, args{"cmd": "touch inside; touch " + target})
	if r.ExitCode == nil || *r.ExitCode == 0 || !r.Success || !strings.Contains(r.Aggregated, "Read-only file system") {
		t.Errorf("got %+v", r)
	}
	if _, err := os.Stat(filepath.Join(b.m.o.Dir, "inside")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("the file outside was made")
	}
	if r.Denials == 0 || len(o.denied) == 0 || o.denied[0].Path != target {
		t.Errorf("%d denials, told %+v", r.Denials, o.denied)
	}
	slow := b.run(o, ExecName, args{"cmd": "read x; exit $x", "yield_time_ms": 250, "tty": true})
	if slow.Running == 0 {
		t.Fatalf("got %+v", slow)
	}
	b.run(o, StdinName, args{"session_id": slow.Running, "chars": "9\n", "yield_time_ms": 10_000})
	if ends := o.ends(); len(ends) != 1 || *ends[0].ExitCode != 9 {
		t.Errorf("input to a terminal: ended %+v", ends)
	}
}
