//go:build unix

package canonical

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func workspace(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestResolve(t *testing.T) {
	dir := workspace(t)
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755), os.WriteFile(filepath.Join(dir, "f"), nil, 0o600),
		os.Symlink("a/b", filepath.Join(dir, "in")), os.Symlink("../../f", filepath.Join(dir, "a/b/up")), os.Symlink("missing/x", filepath.Join(dir, "dangling")),
		os.Symlink(dir, filepath.Join(dir, "a/abs")), os.Symlink("loop", filepath.Join(dir, "loop")))
	for _, c := range []struct{ path, parent, target string }{
		{"f", "f", "f"}, {"./a/../f", "f", "f"}, {"in/up", "a/b/up", "f"}, {"in", "in", "a/b"}, {"a/abs/in/new/x", "a/b/new/x", "a/b/new/x"},
		{"dangling", "dangling", "missing/x"}, {"dangling/y", "missing/x/y", "missing/x/y"}, {"new/../f", "f", "f"}, {".", ".", "."},
	} {
		parent, err := Parent(dir, c.path)
		if want := filepath.Join(dir, c.parent); parent != want || err != nil {
			t.Errorf("Parent %q: got %q %v, want %q", c.path, parent, err, want)
		}
		target, err := Target(dir, c.path)
		if want := filepath.Join(dir, c.target); target != want || err != nil {
			t.Errorf("Target %q: got %q %v, want %q", c.path, target, err, want)
		}
	}
	for _, bad := range []string{"", "a\x00b", "loop", strings.Repeat("x/", 3000), "f/x"} {
		if got, err := Target(dir, bad); err == nil {
			t.Errorf("%.20q: got %q, want an error", bad, got)
		}
	}
}

func TestLinks(t *testing.T) {
	dir := workspace(t)
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755), os.WriteFile(filepath.Join(dir, "f"), nil, 0o600),
		os.Symlink("a/b", filepath.Join(dir, "in")), os.Symlink("../../f", filepath.Join(dir, "a/b/up")), os.Symlink("missing/x", filepath.Join(dir, "dangling")))
	for _, c := range []struct {
		path string
		last bool
		want string
	}{
		{"f", true, ""}, {"in/up", true, "in a/b/up"}, {"in/up", false, "in"}, {"a/b/up", false, ""}, {"dangling", true, "dangling"}, {"none/x", true, ""}, {"a\x00", true, ""},
	} {
		var got []string
		_, links, _ := Follow(dir, c.path, c.last)
		for _, at := range links {
			rel, err := filepath.Rel(dir, at)
			must(t, err)
			got = append(got, rel)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: got %q, want %q", c.path, got, c.want)
		}
	}
}

// TestLinksAreNotFollowed: every way to a file fails when a name on the way is a link.
func TestLinksAreNotFollowed(t *testing.T) {
	dir := workspace(t)
	must(t, os.Mkdir(filepath.Join(dir, "real"), 0o755), os.WriteFile(filepath.Join(dir, "real/f"), []byte("x"), 0o600),
		os.Symlink("real", filepath.Join(dir, "link")), os.Symlink("real/f", filepath.Join(dir, "last")))
	allow := func(string) error { return nil }
	for name, err := range map[string]error{
		"read below": second(ReadFile(filepath.Join(dir, "link/f"), 10)),
		"read last":  second(ReadFile(filepath.Join(dir, "last"), 10)),
		"stat below": look(Stat(filepath.Join(dir, "link/f"))),
		"list":       look(ReadDir(filepath.Join(dir, "link"), 10)),
		"list below": look(ReadDir(filepath.Join(dir, "link/d"), 10)),
		"remove":     Remove(filepath.Join(dir, "link/f")),
		"stage":      stage(filepath.Join(dir, "link/new"), allow),
		"stage deep": stage(filepath.Join(dir, "link/d/new"), allow),
	} {
		if !errors.Is(err, ErrMoved) {
			t.Errorf("%s: got %v, want ErrMoved", name, err)
		}
	}
	must(t, Remove(filepath.Join(dir, "last"))) // the link itself may go
	if _, err := os.Stat(filepath.Join(dir, "real/f")); err != nil {
		t.Errorf("removing a link removed its target: %v", err)
	}
}

func second(_ []byte, _ os.FileInfo, err error) error { return err }

func look[T any](_ T, err error) error { return err }

func stage(path string, permit func(string) error) error {
	s, err := Stage(path, []byte("x"), nil, permit)
	if err == nil {
		s.Discard()
	}
	return err
}

// TestLooks: what is told of a name and of a folder, and what stays of a path that cannot be resolved.
func TestLooks(t *testing.T) {
	dir := workspace(t)
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("12345"), 0o600), os.Mkdir(filepath.Join(dir, "d"), 0o700), os.Symlink("f", filepath.Join(dir, "l")),
		syscall.Mkfifo(filepath.Join(dir, "p"), 0o600))
	types := map[string]fs.FileMode{"f": 0, "d": fs.ModeDir, "l": fs.ModeSymlink, "p": fs.ModeIrregular}
	list, err := ReadDir(dir, 10)
	if err != nil || len(list) != len(types) {
		t.Fatalf("%v, %v", list, err)
	}
	for _, told := range list {
		info, err := Stat(filepath.Join(dir, told.Name))
		if want, ok := types[told.Name]; !ok || err != nil || info != told || info.Type != want || told.Name == "f" && info.Size != 5 || time.Since(info.Modified) > time.Hour {
			t.Errorf("%+v, %+v, %v", told, info, err)
		}
	}
	if list, err = ReadDir(dir, 2); err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
	if list, err = ReadDir(filepath.Join(dir, "d"), 2); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	for _, missing := range []error{look(Stat(filepath.Join(dir, "none"))), look(ReadDir(filepath.Join(dir, "none"), 1)), look(Stat(filepath.Join(dir, "none/x")))} {
		if !errors.Is(missing, fs.ErrNotExist) {
			t.Errorf("got %v", missing)
		}
	}
	if info, err := Stat("/"); err != nil || !info.Type.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
	for _, path := range []string{"f/x", "l/x/y"} {
		if at, err := Target(dir, path); err == nil || !strings.HasPrefix(at, filepath.Join(dir, "f/x")) {
			t.Errorf("%s: %q, %v", path, at, err)
		}
	}
}

func TestStageAndCommit(t *testing.T) {
	dir := workspace(t)
	path := filepath.Join(dir, "a/b/f")
	var asked []string
	s, err := Stage(path, []byte("new"), nil, func(p string) error { asked = append(asked, p); return nil })
	must(t, err)
	if _, err := os.Stat(path); err == nil {
		t.Error("staged content is visible before Commit")
	}
	must(t, s.Commit())
	if b, err := os.ReadFile(path); string(b) != "new" || err != nil {
		t.Errorf("got %q %v", b, err)
	}
	want := []string{path, filepath.Join(dir, "a"), filepath.Join(dir, "a/b")}
	if strings.Join(asked, " ") != strings.Join(want, " ") {
		t.Errorf("asked about %q, want %q", asked, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 || err != nil {
		t.Errorf("left %v %v", entries, err)
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := workspace(t)
	s, err := Stage(filepath.Join(dir, "a/b/f"), []byte("new"), nil, func(string) error { return nil })
	must(t, err)
	s.Discard()
	refuse := errors.New("refused")
	err = stage(filepath.Join(dir, "x/y/z"), func(p string) error {
		if filepath.Base(p) == "y" {
			return refuse
		}
		return nil
	})
	if !errors.Is(err, refuse) {
		t.Errorf("got %v, want the refusal", err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("left %v %v", entries, err)
	}
}

func TestReadBounds(t *testing.T) {
	dir := workspace(t)
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("12345"), 0o600), syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	if _, _, err := ReadFile(filepath.Join(dir, "f"), 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if b, _, err := ReadFile(filepath.Join(dir, "f"), 5); string(b) != "12345" || err != nil {
		t.Errorf("got %q %v", b, err)
	}
	start := time.Now()
	if _, _, err := ReadFile(filepath.Join(dir, "fifo"), 5); !errors.Is(err, ErrNotRegular) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v, want ErrNotRegular at once", err)
	}
}
