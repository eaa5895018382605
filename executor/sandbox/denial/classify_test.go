//go:build linux

package denial

import (
	"testing"

	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

func plan() filesystem.Plan {
	return filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
		Writable: []filesystem.Root{{Path: "/w", Kind: filesystem.Dir, Protected: []filesystem.Protected{
			{Path: "/w/.git", Kind: filesystem.Dir}, {Path: "/w/.codex", Kind: filesystem.Missing}}}}}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	file := func(p string) target { return target{path: p, exists: true, mode: unix.S_IFREG} }
	dir := func(p string) target { return target{path: p, exists: true, mode: unix.S_IFDIR} }
	none := func(p string) target { return target{path: p} }
	socket := target{path: "/w/.codex", exists: true, mode: unix.S_IFSOCK}
	below := target{path: "/w/.codex/a", beyond: true, stop: "/w/.codex"}
	cases := []struct {
		name   string
		a      attempt
		rule   string
		access string
	}{
		{"own file", attempt{"write", file("/w/a"), unix.O_WRONLY}, "", ""},
		{"foreign file", attempt{"write", file("/e/a"), unix.O_WRONLY}, "outside_writable_roots", "write"},
		{"foreign new file", attempt{"write", none("/e/a"), unix.O_WRONLY | unix.O_CREAT}, "outside_writable_roots", "create"},
		{"file that is not there", attempt{"write", none("/e/a"), unix.O_RDWR}, "", ""},
		{"exclusive create of a file that is there", attempt{"write", file("/e/a"), unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL}, "", ""},
		{"create flag on a file that is there", attempt{"write", file("/e/a"), unix.O_CREAT}, "", ""},
		{"truncate", attempt{"write", file("/e/a"), unix.O_TRUNC}, "outside_writable_roots", "write"},
		{"directory for writing", attempt{"write", dir("/e"), unix.O_WRONLY}, "", ""},
		{"unnamed file", attempt{"write", dir("/e"), unix.O_TMPFILE | unix.O_RDWR}, "outside_writable_roots", "write"},
		{"FIFO", attempt{"write", target{path: "/e/p", exists: true, mode: unix.S_IFIFO}, unix.O_WRONLY}, "", ""},
		{"protected", attempt{"write", file("/w/.git/config"), unix.O_RDWR}, "protected_path", "write"},
		{"make a directory that is there", attempt{"create", dir("/e"), 0}, "", ""},
		{"make a directory where a placeholder is", attempt{"create", dir("/w/.codex"), 0}, "protected_path", "create"},
		{"make a file where a placeholder is", attempt{"write", socket, unix.O_WRONLY | unix.O_CREAT}, "protected_path", "create"},
		{"socket that was there", attempt{"write", target{path: "/w/.git", exists: true, mode: unix.S_IFSOCK}, unix.O_WRONLY | unix.O_CREAT}, "", ""},
		{"make a file below a placeholder", attempt{"write", below, unix.O_WRONLY | unix.O_CREAT}, "protected_path", "create"},
		{"make a folder below a placeholder", attempt{"create", below, 0}, "protected_path", "create"},
		{"remove below a placeholder", attempt{"remove", below, 0}, "", ""},
		{"make a file below a socket", attempt{"write", target{path: "/e/s/a", beyond: true, stop: "/e/s"}, unix.O_WRONLY | unix.O_CREAT}, "", ""},
		{"metadata of nothing", attempt{"metadata", none("/e/a"), 0}, "", ""},
		{"metadata", attempt{"metadata", file("/e/a"), 0}, "outside_writable_roots", "metadata"},
		{"remove", attempt{"remove", none("/e/a"), 0}, "outside_writable_roots", "remove"},
	}
	for _, c := range cases {
		f, refused := classify(plan(), c.a)
		if refused != (c.rule != "") || f.rule != c.rule || refused && f.access != c.access {
			t.Errorf("%s: %+v (refused %v), want rule %q access %q", c.name, f, refused, c.rule, c.access)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add([]byte{2, 0, 1, 187, 127, 0, 0, 1})
	f.Add([]byte{10, 0, 0, 53})
	f.Add(append([]byte{1, 0}, "/run/docker.sock\x00"...))
	f.Add([]byte{1, 0, 0, 'x'})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > addressLimit {
			raw = raw[:addressLimit]
		}
		if got := address(raw); len(got) > 3*addressLimit {
			t.Errorf("%d bytes from %d", len(got), len(raw))
		}
		isUnix(raw)
	})
}

func FuzzMagic(f *testing.F) {
	for _, s := range []string{"/proc/self/root/etc", "/proc/1/cwd/x", "/proc/self/root/proc/self/root/x", "/proc", "//proc//self//fd/3", "/a/../proc/self/root"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := magic(1<<30, "/"+s); ok && got == "" {
			t.Errorf("%q became empty", s)
		}
	})
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for want, raw := range map[string][]byte{
		"127.0.0.1:443":    {2, 0, 1, 187, 127, 0, 0, 1},
		"/run/docker.sock": append([]byte{1, 0}, "/run/docker.sock\x00junk"...),
		"@x":               {1, 0, 0, 'x'},
		"":                 {2, 0, 1},
	} {
		if got := address(raw); got != want {
			t.Errorf("address(%x) = %q, want %q", raw, got, want)
		}
	}
}
