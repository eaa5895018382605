//go:build linux

package backend_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// Each script must fail inside and leave the check (a path that must not exist, or content that must stay) alone.
func TestWritesAreRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, setup, script string
	}{
		{"create outside", "", "echo x > $OUT/f"},
		{"append outside", "echo orig > $OUT/f", "echo x >> $OUT/f"},
		{"truncate outside", "echo orig > $OUT/f", ": > $OUT/f"},
		{"unlink outside", "echo orig > $OUT/f", "rm -f $OUT/f"},
		{"chmod outside", "echo orig > $OUT/f", "chmod 777 $OUT/f"},
		{"touch outside", "echo orig > $OUT/f", "touch -d @0 $OUT/f"},
		{"mkdir outside", "", "mkdir $OUT/d"},
		{"symlink out", "ln -s $OUT l", "echo x > l/f"},
		{"dot dot", "", "echo x > ../out/f"},
		{"proc self root", "", "echo x > /proc/self/root$OUT/f"},
		{"proc 1 root", "", "echo x > /proc/1/root$OUT/f"},
		{"hard link to outside", "echo orig > $OUT/f", "ln $OUT/f l"},
		{"rename workspace", "", "mv ../ws ../ws2"},
		{"git existing", "mkdir .git; echo orig > .git/config", "echo x > .git/config"},
		{"git new file", "mkdir .git", "echo x > .git/hook"},
		{"git rename away", "mkdir .git", "mv .git g"},
		{"git remove", "mkdir .git; echo x > .git/config", "rm -rf .git"},
		{"git chmod", "mkdir .git", "chmod 777 .git"},
		{"git rename over", "mkdir .git d", "mv -T d .git"},
		{"git pointer edit", "mkdir $OUT/g; echo gitdir: $OUT/g > .git", "echo x >> .git"},
		{"git pointer replace", "mkdir $OUT/g; echo gitdir: $OUT/g > .git", "echo x > n; mv n .git"},
		{"git pointer target inside", "mkdir -p a/g; echo gitdir: a/g > .git", "echo x > a/g/f"},
		{"git pointer target moved", "mkdir -p a/g; echo gitdir: a/g > .git", "mv a b"},
		{"git missing mkdir", "", "mkdir .git"},
		{"git missing file", "", "echo x > .git"},
		{"git missing rename", "mkdir d", "mv -T d .git"},
		{"git missing hard link", "echo x > f", "ln f .git"},
		{"git missing, file over it", "echo x > f", "mv -T f .git"},
		{"git missing, exchanged", "mkdir d", "python3 -c 'import ctypes; c = ctypes.CDLL(None); exit(c.renameat2(-100, b\"d\", -100, b\".git\", 2) != 0)'"},
		{"git missing, fifo", "", "mkfifo .git"},
		{"git missing, bound", "", "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\".git\")'"},
		{"git missing, init", "", "git init -q . && test -e .git/HEAD"},
		{"git missing, moved away", "", "mv -T .git g"},
		{"git missing, in it", "", "mkdir -p .git/hooks && echo x > .git/hooks/h"},
		{"git missing symlink", "", "ln -sT $OUT .git"},
		{"agents missing", "", "mkdir .agents"},
		{"aws missing", "", "mkdir .aws"},
		{"codex file", "echo orig > .codex", "echo x > .codex"},
		{"link made to protected", "mkdir .git; echo x > .git/config", "ln .git/config l"},
		{"sysctl", "", "v=$(cat /proc/sys/kernel/core_pattern); echo \"$v\" > /proc/sys/kernel/core_pattern"},
		{"oom score of init", "", "echo 0 > /proc/1/oom_score_adj"},
	}
	eachBackend(t, func(t *testing.T, b box) {
		for i, c := range cases {
			sub := box{ws: filepath.Join(b.ws, string(rune('A'+i/26))+string(rune('a'+i%26)), "ws"), backend: b.backend}
			sub.out = filepath.Join(filepath.Dir(sub.ws), "out")
			for _, d := range []string{sub.ws, sub.out} {
				if err := os.MkdirAll(d, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			host(t, sub, c.setup)
			before := snapshot(t, filepath.Dir(sub.ws))
			r := sub.sh(t, c.script)
			if r.ExitCode == 0 {
				t.Errorf("%s: went through", c.name)
			}
			if after := snapshot(t, filepath.Dir(sub.ws)); after != before && c.name != "git pointer replace" {
				t.Errorf("%s: changed the host\nbefore:\n%s\nafter:\n%s", c.name, before, after)
			}
		}
	})
}

func TestWritesAreAllowed(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, setup, script string }{
		{"create", "", "echo x > f && test -s f"},
		{"nested repository made now", "", "mkdir -p sub/.git && echo x > sub/.git/config"},
		{"look-alike", "", "echo x > .gitignore && mkdir .github"},
		{"rename", "echo x > a", "mv a b"},
		{"null", "", "echo x > /dev/null"},
		{"random", "", "test $(head -c 8 /dev/urandom | wc -c) = 8"},
		{"read outside", "echo x > $OUT/f", "cat $OUT/f"},
		{"private shm", "", "echo x > /dev/shm/f"},
		{"stderr device", "", "echo x > /dev/stderr"},
		{"git reads", "mkdir .git; echo x > .git/config", "cat .git/config"},
		{"blank in name", "mkdir 'a b'", "echo x > 'a b/c d'"},
	}
	eachBackend(t, func(t *testing.T, b box) {
		for _, c := range cases {
			if b.lacks(c.name) {
				continue
			}
			host(t, b, c.setup)
			if r := b.sh(t, c.script); r.ExitCode != 0 || len(r.denials) != 0 {
				t.Errorf("%s: exit %d, stderr %q, denials %+v", c.name, r.ExitCode, r.stderr, r.denials)
			}
			host(t, b, "rm -rf .git")
		}
	})
}

func TestProtectedSymlink(t *testing.T) {
	t.Parallel()
	b := newBox(t, "native")
	host(t, b, "mkdir real; ln -s real .codex")
	for _, script := range []string{"echo x > .codex/f", "rm .codex", "mv .codex x", "ln -sfn $OUT .codex", "echo x > real/f", "mv real r2"} {
		if r := b.sh(t, script); r.ExitCode == 0 {
			t.Errorf("%s went through", script)
		}
	}
}

func TestReadOnlyMode(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		for _, script := range []string{"echo x > f", "echo x > /tmp/sandbox-test-f", "mkdir d"} {
			r := b.run(t, b.spec(t, filesystem.Request{Mode: filesystem.ReadOnly, WorkspaceRoots: []string{b.ws}}, "/bin/sh", "-c", script))
			if r.ExitCode == 0 {
				t.Errorf("%s went through", script)
			}
			if len(r.denials) == 0 || r.denials[0].Rule != "read_only" {
				t.Errorf("%s: denials %+v, want rule read_only", script, r.denials)
			}
		}
	})
}

func TestDeniedReads(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		host(t, b, "mkdir d; echo s3cret > d/f; echo s3cret > e")
		q := b.request()
		q.DeniedReads = []filesystem.Denied{{Path: b.ws + "/d", Kind: filesystem.Dir}, {Path: b.ws + "/e", Kind: filesystem.File}}
		for _, script := range []string{"cat d/f", "cat e", "ls d", "mv d x; cat x/f", "cat /proc/self/root$PWD/e", "ln e l; cat l"} {
			r := b.run(t, b.spec(t, q, "/bin/sh", "-c", script))
			if r.ExitCode == 0 || strings.Contains(r.stdout, "s3cret") {
				t.Errorf("%s: exit %d, stdout %q", script, r.ExitCode, r.stdout)
			}
		}
	})
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143, "kill -KILL $$": 137, "exit 125": 125} {
			if r := b.sh(t, script); r.ExitCode != want || r.SetupError != nil {
				t.Errorf("%s: exit %d (%v), want %d", script, r.ExitCode, r.SetupError, want)
			}
		}
	})
}

func TestConfinedProcess(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, script string }{
		{"no capabilities", "! grep -E '^Cap(Inh|Prm|Eff|Amb):' /proc/self/status | grep -vq 0000000000000000"},
		{"bounding set", "grep -q '^CapBnd:.0000000000000000' /proc/self/status"},
		{"no new privileges", "grep -q 'NoNewPrivs:.*1' /proc/self/status"},
		{"pid namespace", "test $(ls -d /proc/[0-9]* | wc -l) -lt 10"},
		{"filter", "grep -q 'Seccomp:.*2' /proc/self/status"},
		{"network marker", "test \"$CODEX_SANDBOX_NETWORK_DISABLED\" = 1"},
		{"same user", "test \"$(id -u)\" = " + uid()},
		{"working directory", "test \"$(basename $PWD)\" = ws"},
		{"descriptors", "test \"$(ls /proc/self/fd | wc -l)\" -le 4"},
		{"no nested namespaces", "! unshare -Ur true"},
		{"no mount", "! mount -t tmpfs x /mnt"},
	}
	eachBackend(t, func(t *testing.T, b box) {
		// A descriptor that our caller left open must not reach the command.
		var fds [2]int
		if err := syscall.Pipe(fds[:]); err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fds[0])
		defer syscall.Close(fds[1])
		for _, c := range cases {
			if r := b.sh(t, c.script); r.ExitCode != 0 && !b.lacks(c.name) {
				t.Errorf("%s: exit %d, stdout %q, stderr %q", c.name, r.ExitCode, r.stdout, r.stderr)
			}
		}
	})
}

func TestProgramNotFound(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		if _, err := b.backend.Start(t.Context(), b.spec(t, b.request(), "/no/such/program")); !isNotFound(err) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		host(t, b, "echo '#!/no/such/interpreter' > s; chmod +x s")
		p, err := b.backend.Start(t.Context(), b.spec(t, b.request(), b.ws+"/s"))
		if err == nil {
			if r := p.Wait(); r.SetupError == nil || r.ExitCode == 0 {
				t.Errorf("missing interpreter: %+v, want a set-up error", r)
			}
		}
	})
}

func host(t testing.TB, b box, script string) {
	t.Helper()
	hostCommand(t, b, script)
}

func unconfined() filesystem.Plan {
	return filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn}
}

func TestUnconfined(t *testing.T) {
	t.Parallel()
	b := newBox(t, "")
	s := b.spec(t, b.request(), "/bin/sh", "-c", "echo x > $OUT/f; echo hi; exit 3")
	s.Plan = unconfined()
	if r := b.run(t, s); r.ExitCode != 3 || r.stdout != "hi\n" {
		t.Errorf("got %+v", r)
	}
	if _, err := os.Stat(b.out + "/f"); err != nil {
		t.Error(err)
	}
}

var _ sandbox.Backend = (box{}).backend
