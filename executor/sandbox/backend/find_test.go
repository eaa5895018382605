//go:build linux

package backend

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPlantedBwrapIsNotUsed(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ws, system, open := filepath.Join(dir, "ws"), filepath.Join(dir, "system"), filepath.Join(dir, "open")
	for _, d := range []string{ws, system, open, filepath.Join(ws, "bin")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, mode := range map[string]os.FileMode{ws + "/bin/bwrap": 0o755, system + "/bwrap": 0o755, open + "/bwrap": 0o757} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(ws+"/bin/bwrap", dir+"/bwrap"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(ws, dir+"/alias"); err != nil {
		t.Fatal(err)
	}
	planted := []string{dir + "/alias"} // the workspace by way of a symlink
	for path, want := range map[string]string{
		ws + "/bin:" + system:          system + "/bwrap",
		"bin:.:" + system:              system + "/bwrap",
		":" + system:                   system + "/bwrap",
		dir + ":" + system:             system + "/bwrap", // a link into the workspace
		dir + "/alias/bin:" + system:   system + "/bwrap",
		open + ":" + system:            system + "/bwrap", // anybody may write it
		ws + "/bin":                    "",
		"":                             "",
		system + ":" + ws + "/bin":     system + "/bwrap",
		"/no/such/dir:" + ws + "/bin/": "",
	} {
		if got := findBwrap(path, planted); got != want {
			t.Errorf("PATH %q: %q, want %q", path, got, want)
		}
	}
}
