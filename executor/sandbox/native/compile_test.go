//go:build linux

package native

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/process"
	"proctor/executor/sandbox/view"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The whole life of a sandbox stands in one list: what is done, in which order, and where each process goes on.
func TestCompile(t *testing.T) {
	t.Parallel()
	base := job{hidden: "/state/hidden", path: "/bin/true", args: []string{"true"}, env: []string{"A=b"}, dir: "/w", uid: 7, gid: 8}
	for name, change := range map[string]func(*job){
		"read-only": func(*job) {},
		"supervised": func(j *job) {
			j.supervise, j.tty = true, true
			j.limits = []process.Resource{{Name: "core", Which: unix.RLIMIT_CORE}}
		},
		"proxied": func(j *job) { j.proxied, j.inlet = true, inlet.At(nil) },
		"workspace": func(j *job) {
			j.network = true
			j.ops = []view.Op{{Kind: view.HideDir, Path: "/s"}, {Kind: view.Writable, Path: "/w"}, {Kind: view.HideFile, Path: "/etc/k"},
				{Kind: view.ReadOnly, Path: "/w/.git"}, {Kind: view.PinLink, Path: "/w/.codex"}}
		},
		"all-writable": func(j *job) {
			j.ops = []view.Op{{Kind: view.Writable, Path: "/"}, {Kind: view.ReadOnly, Path: "/w/.git"}}
		},
		"restricted": func(j *job) {
			j.ops = []view.Op{{Kind: view.Veil, Path: "/"}, {Kind: view.Link, Path: "/bin", Target: "usr/bin"}, {Kind: view.ReadOnly, Path: "/etc/a/f", File: true},
				{Kind: view.ReadOnly, Path: "/usr"}, {Kind: view.Writable, Path: "/usr/local"}, {Kind: view.Seal, Path: "/"}}
		},
	} {
		j := base
		change(&j)
		got := compile(j).List()
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
