//go:build linux

package backend_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is what a test compares of a denial.
type seen struct{ Program, Syscall, Path, Access, Rule string }

func TestDenialsNameCallPathAndRule(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, setup, script string
		want                []seen
	}{
		{"write outside", "", "echo x > $OUT/f", []seen{{"sh", "openat", "OUT/f", "create", "outside_writable_roots"}}},
		{"append", "echo x > $OUT/f", "echo x >> $OUT/f", []seen{{"sh", "openat", "OUT/f", "write", "outside_writable_roots"}}},
		{"relative", "", "cd ..; echo x > out/g", []seen{{"sh", "openat", "OUT/g", "create", "outside_writable_roots"}}},
		{"through a symlink", "ln -s $OUT l", "echo x > l/f2", []seen{{"sh", "openat", "OUT/f2", "create", "outside_writable_roots"}}},
		{"dangling symlink", "ln -s $OUT/new d", "echo x > d", []seen{{"sh", "openat", "OUT/new", "create", "outside_writable_roots"}}},
		{"proc root", "", "echo x > /proc/self/root$OUT/h", []seen{{"sh", "openat", "OUT/h", "create", "outside_writable_roots"}}},
		{"remove", "echo x > $OUT/r", "rm -f $OUT/r", []seen{{"rm", "unlinkat", "OUT/r", "remove", "outside_writable_roots"}}},
		{"metadata", "echo x > $OUT/m", "chmod 777 $OUT/m", []seen{{"chmod", "fchmodat", "OUT/m", "metadata", "outside_writable_roots"}}},
		{"protected, missing", "", "mkdir .agents", []seen{{"mkdir", "mkdir", "WS/.agents", "create", "protected_path"}}},
		{"missing .git, folder", "", "mkdir .git", []seen{{"mkdir", "mkdir", "WS/.git", "create", "protected_path"}}},
		{"missing .git, file", "", "echo x > .git", []seen{{"sh", "openat", "WS/.git", "create", "protected_path"}}},
		{"missing .git, file in it", "", "echo x > .git/config", []seen{{"sh", "openat", "WS/.git/config", "create", "protected_path"}}},
		{"missing .git, folder in it", "", "mkdir .git/a", []seen{{"mkdir", "mkdir", "WS/.git/a", "create", "protected_path"}}},
		{"missing .git, nothing there", "", "rm -f .git/config; cat .git .git/config; test -d .git", nil},
		{"protected, existing", "mkdir .git", "echo x > .git/hook", []seen{{"sh", "openat", "WS/.git/hook", "create", "protected_path"}}},
		{"nothing for reads", "echo x > $OUT/n", "cat $OUT/n; ls -l $OUT; cat /etc/no-such-file", nil},
		{"nothing for files that are not there", "", "cat < $OUT/none; : 3<> /dev/null", nil},
		{"nothing for directories that are there", "", "mkdir /etc; mkdir -p $OUT", nil},
		{"nothing for own files", "", "echo x > a; mv a b; chmod 600 b; rm b; mkdir -p c/d", nil},
	}
	eachBackend(t, func(t *testing.T, b box) {
		for _, c := range cases {
			host(t, b, c.setup)
			if strings.HasSuffix(c.name, " in it") && b.lacks("placeholders") {
				c.want = nil // ENOENT
			}
			r := b.sh(t, c.script)
			if !r.DenialsExact {
				t.Skip("missing capability: seccomp user notification")
			}
			var got []seen
			for _, d := range r.denials {
				path := strings.Replace(strings.Replace(d.Path, b.out, "OUT", 1), b.ws, "WS", 1)
				program := d.Program
				if d.Syscall == "openat" || program == "dash" || program == "bash" {
					program = "sh"
				}
				got = append(got, seen{program, strings.TrimSuffix(d.Syscall, "2"), path, d.Access, d.Rule})
				if d.PID <= 1 || d.At.IsZero() {
					t.Errorf("%s: incomplete denial %+v", c.name, d)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: denials (-want +got):\n%s", c.name, diff)
			}
			if r.Denials != len(r.denials) {
				t.Errorf("%s: Denials %d, delivered %d", c.name, r.Denials, len(r.denials))
			}
		}
	})
}

func TestDenialsAreBounded(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		r := b.sh(t, "i=0; while [ $i -lt 300 ]; do echo > $OUT/f$i; i=$((i+1)); done 2>/dev/null")
		if len(r.denials) != 256 || r.DenialsDropped != 44 {
			t.Errorf("delivered %d, dropped %d, want 256 and 44", len(r.denials), r.DenialsDropped)
		}
	})
}
