//go:build linux

package backend_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"proctor/executor/sandbox"
)

// hostCommand runs a script in the workspace, outside of any sandbox.
func hostCommand(t testing.TB, b box, script string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Dir = b.ws
	cmd.Env = append(os.Environ(), "OUT="+b.out)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("set up %q: %v: %s", script, err, out)
	}
}

// skipWithout skips when the machine lacks what the backend needs; a backend that fails for another reason fails the test.
func skipWithout(t testing.TB, name string) {
	t.Helper()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if err := cmd.Run(); err != nil {
		t.Skipf("missing capability: unprivileged user namespaces: %v", err)
	}
	if _, err := exec.LookPath("bwrap"); err != nil && name == "bwrap" {
		t.Skip("missing capability: bwrap is not installed")
	}
}

// snapshot is every path below dir with mode, size, time and link target.
func snapshot(t testing.TB, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		target, _ := os.Readlink(path)
		stamp := info.ModTime().String()
		if d.IsDir() {
			stamp = "" // placeholders come and go
		}
		fmt.Fprintf(&out, "%s %v %d %s %s\n", path, info.Mode(), info.Size(), stamp, target)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func uid() string { return strconv.Itoa(os.Getuid()) }

func isNotFound(err error) bool { return errors.Is(err, sandbox.ErrNotFound) }
