package terms

import (
	"testing"

	"proctor/policy/filesystem"
)

func TestHarmlessValue(t *testing.T) {
	t.Parallel()
	plan := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
		Writable: []filesystem.Root{{Path: "/home/u/ws", Kind: filesystem.Dir}, {Path: "/opt/scratch", Kind: filesystem.Dir}}}
	links := map[string]string{"/usr/lib/evil.so": "/home/u/ws/evil.so", "/home/u/ok": "/usr/lib/ok"}
	real := func(p string) (string, bool) {
		if to, ok := links[p]; ok {
			return to, true
		}
		return p, p != "" && p[0] == '/' && p != "/usr/lib/gone.so"
	}
	cases := []struct {
		name, value, want string
		keep              bool
	}{
		{"PATH", "/home/u/ws/bin:.", "/home/u/ws/bin:.", true},
		{"EDITOR", "/tmp/x", "/tmp/x", true},
		{"BASH_ENV", "/etc/profile", "", false},
		{"ENV", "x", "", false},
		{"LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", true},
		{"LD_PRELOAD", "libfakeroot-sysv.so", "libfakeroot-sysv.so", true},
		{"LD_PRELOAD", "/opt/a/x.so /opt/scratch/y.so", "/opt/a/x.so", true},
		{"LD_PRELOAD", "/home/u/ws/x.so", "", false},
		{"LD_PRELOAD", "/home/u/lib/x.so", "", false},
		{"LD_PRELOAD", "/tmp/x.so:/var/tmp/y.so", "", false},
		{"LD_PRELOAD", "./x.so", "", false},
		{"LD_PRELOAD", "/usr/lib/evil.so", "", false},
		{"LD_PRELOAD", "/usr/lib/gone.so", "", false},
		{"LD_PRELOAD", "/home/u/ok", "/home/u/ok", true},
		{"LD_PRELOAD", "", "", false},
		{"LD_AUDIT", "/home/u/a.so", "", false},
		{"LD_LIBRARY_PATH", "/usr/local/cuda/lib64:/home/u/conda/lib", "/usr/local/cuda/lib64:/home/u/conda/lib", true},
		{"LD_LIBRARY_PATH", "/home/u/ws/lib:/usr/lib/x;/tmp/l", "/usr/lib/x", true},
		{"LD_LIBRARY_PATH", ".:lib:", "", false},
		{"LD_LIBRARY_PATH", "/opt/scratch", "", false},
	}
	for _, c := range cases {
		if got, keep := harmlessValue(c.name, c.value, plan, "/home/u/ws", real); got != c.want || keep != c.keep {
			t.Errorf("%s=%s: %q, %v; want %q, %v", c.name, c.value, got, keep, c.want, c.keep)
		}
	}
	plan = filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff}
	if _, keep := harmlessValue("LD_LIBRARY_PATH", "/home/u/ws/lib", plan, "/home/u/ws", real); keep {
		t.Error("what an earlier run may have written passes in read-only")
	}
}
