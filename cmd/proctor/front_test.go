package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestFrontScripts runs the scripts of what the front serves by itself once more, against the front, and those of testdata/front,
// which are about its place beside the whole program.
func TestFrontScripts(t *testing.T) {
	t.Parallel()
	dir := buildFront(t)
	p := scripts(t)
	p.Dir, p.Files = "", nil
	for _, pattern := range []string{"script/sandbox_*", "script/policy_*", "script/config_*", "script/version", "front/*"} {
		files, err := filepath.Glob("testdata/" + pattern + ".txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d scripts, %v", pattern, len(files), err)
		}
		p.Files = append(p.Files, files...)
	}
	p.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		env.Setenv("FRONT", dir)
		env.Setenv("PATH", dir+string(os.PathListSeparator)+env.Getenv("PATH"))
		return nil
	}
	testscript.Run(t, p)
}

// buildFront makes a folder with the front, and this test as the whole program beside it.
func buildFront(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "proctor-front-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Without the commit, which a test binary does not carry either: both must be of one build.
	cmd := exec.Command("go", "build", "-tags", "lean", "-buildvcs=false", "-o", filepath.Join(dir, "proctor"), ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the front: %v\n%s", err, out)
	}
	whole, err := exec.LookPath("proctor-full")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(whole, filepath.Join(dir, "proctor-full")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEveryCommandIsServedOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range slices.Concat(light, full) {
		names = append(names, c.names...)
	}
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("commands %v: a name is taken twice", names)
	}
}
