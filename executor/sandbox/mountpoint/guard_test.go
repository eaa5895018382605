//go:build linux

package mountpoint

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The sweeper's program is executed only when the process ends while placeholders are held.
func TestWaiterBecomesTheSweeperOnlyWhenHolding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		held  bool
		news  string
		swept bool
	}{
		{"held to the end", true, "", true},
		{"released", true, "x", false},
		{"never held", false, "", false},
		{"held and released", false, "xx", false},
		{"held again", true, "xx", true},
	} {
		dir := t.TempDir()
		script := filepath.Join(dir, "sweeper")
		if err := os.WriteFile(script, []byte("#!/bin/sh\n: > "+dir+"/swept\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		program, err := os.Open(script)
		if err != nil {
			t.Fatal(err)
		}
		image, err := waiter(dir, c.held).File("waiter")
		if err != nil {
			t.Fatal(err)
		}
		cmd := &exec.Cmd{Path: "/proc/self/fd/3", Args: []string{guardArg0}, ExtraFiles: []*os.File{image, program}}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte(c.news)); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := os.Stat(dir + "/swept"); (err == nil) != c.swept {
			t.Errorf("%s: swept %v, want %v", c.name, err == nil, c.swept)
		}
		_, _ = image.Close(), program.Close()
	}
}
