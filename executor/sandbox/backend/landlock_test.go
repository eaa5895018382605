//go:build linux

package backend_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/landlock"
	"proctor/policy/filesystem"
)

// lacks names what the landlock backend does without; landlock.Gaps says so to people. It needs no placeholders. The case of
// python3 needs /dev/shm, that of script a terminal of its own. An ordinary user cannot empty the bounding set; no_new_privs makes it void.
func (b box) lacks(name string) bool {
	if name == "bounding set" {
		return b.backend.Name() == "landlock" && os.Getuid() != 0
	}
	return b.backend.Name() == "landlock" && slices.Contains([]string{"private shm", "pid namespace", "placeholders", "python3", "script"}, name)
}

// Every ABI since the first enforces the same plans: what a rule set cannot say, the broker and the filters do.
func TestOldLandlock(t *testing.T) {
	t.Parallel()
	if landlock.ABI() == 0 {
		t.Skip("missing capability: Landlock is not enabled in this kernel")
	}
	for _, abi := range []int{1, 3, 5} {
		b := newBox(t, "landlock")
		b.backend = landlock.New(landlock.Options{Executable: "/proc/self/exe", ABI: abi})
		host(t, b, "mkdir -p .git; echo x > $OUT/f; mkfifo $OUT/p")
		if r := b.sh(t, `echo hi > f && mkdir -p a/b && mv f a/b/g && ln a/b/g a/h && chmod 600 a/h && rm -r a && kill -0 $$`); r.ExitCode != 0 || len(r.denials) > 0 {
			t.Errorf("ABI %d: allowed work fails: %+v", abi, r)
		}
		for _, script := range []string{"echo x > $OUT/new", "echo x >> $OUT/f", "truncate -s 0 $OUT/f", "mv $OUT/f .", "ln $OUT/f g", "rm $OUT/f", "chmod 777 $OUT/f",
			"touch -d @0 $OUT/f", "mkdir .codex", "echo x > .git/x", "mv .git g", "echo x > $OUT/p & sleep 0.2; kill $!; false", "kill -0 1", "kill -9 -1; false",
			"cat /proc/1/environ", "exec 9<$OUT/f; chmod 777 /proc/self/fd/9", "ln -s $OUT l; echo x > l/new", "cat /dev/kmsg"} {
			if r := b.sh(t, script); r.ExitCode == 0 {
				t.Errorf("ABI %d: %s went through", abi, script)
			}
		}
		host(t, b, `test "$(cat $OUT/f)" = x; test "$(stat -c %a $OUT/f)" != 777; test "$(ls $OUT)" = "$(printf 'f\np')"; test ! -e .codex`)
	}
}

func TestLandlockHidesAndRestricts(t *testing.T) {
	t.Parallel()
	b := newBox(t, "landlock")
	host(t, b, "mkdir state sub; echo key > state/key; echo s > sub/secret; echo o > sub/open")
	s := b.spec(t, b.request(), "/bin/sh", "-c", "cat state/key; cat sub/secret; ls state; echo x > state/y; cat sub/open")
	s.Plan.DeniedReads = []filesystem.Denied{{Path: b.ws + "/state", Kind: filesystem.Dir}, {Path: b.ws + "/sub/secret", Kind: filesystem.File}}
	r := b.run(t, s)
	if r.stdout != "o\n" {
		t.Errorf("hidden files: stdout %q, stderr %q", r.stdout, r.stderr)
	}
	s = b.spec(t, b.request(), "/bin/cat", "/etc/passwd", b.ws+"/sub/open")
	s.Plan.ReadAll, s.Plan.Readable = false, []string{"/bin", "/usr", "/lib", "/lib64"}
	s.Plan.Mode = filesystem.NamedProfile
	if r := b.run(t, s); r.ExitCode == 0 || r.stdout != "o\n" {
		t.Errorf("restricted reads: %+v %q %q", r.Result, r.stdout, r.stderr)
	}
	s.Plan.Network, s.Proxy = filesystem.NetworkProxied, (&echoing{}).proxy()
	if _, err := b.backend.Start(t.Context(), s); !errors.Is(err, sandbox.ErrUnsupported) {
		t.Errorf("proxied network: %v, want ErrUnsupported", err)
	}
}
