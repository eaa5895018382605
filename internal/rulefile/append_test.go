//go:build unix

package rulefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"proctor/policy/execrules"
)

func rule(word string) string {
	line, err := execrules.Amend([]string{word})
	if err != nil {
		panic(err)
	}
	return line
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules", "default.rules")
	for i, want := range []bool{true, false, true} {
		added, err := Append(t.Context(), path, rule([]string{"a", "a", "b"}[i]))
		if err != nil || added != want {
			t.Fatalf("append %d: %v, %v", i, added, err)
		}
	}
	if got := read(t, path); got != rule("a")+"\n"+rule("b")+"\n" {
		t.Errorf("the file holds %q", got)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", p, info.Mode(), err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".rules-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// Exactly the line goes; what looks like it stays, and so does the rest of the file.
func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "default.rules")
	if removed, err := Remove(t.Context(), path, rule("a")); removed || err != nil {
		t.Fatalf("no file: %v, %v", removed, err)
	}
	if err := os.WriteFile(path, []byte("# mine\n"+rule("a")+"\n  "+rule("a")+"\n"+rule("ab")+"\r\n"+rule("a")), 0o640); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		if removed, err := Remove(t.Context(), path, rule("a")); removed != want || err != nil {
			t.Fatalf("remove %d: %v, %v", i, removed, err)
		}
	}
	if got := read(t, path); got != "# mine\n  "+rule("a")+"\n"+rule("ab")+"\r\n" {
		t.Errorf("the file holds %q", got)
	}
}

// What people wrote stays: text without a last line break, the mode, a link to somewhere else.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.rules"), filepath.Join(dir, "default.rules")
	if err := errors.Join(os.WriteFile(real, []byte("# mine"), 0o640), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(t.Context(), link, rule("a")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, real); got != "# mine\n"+rule("a")+"\n" {
		t.Errorf("the file holds %q", got)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

func TestAppendRefuses(t *testing.T) {
	dir := t.TempDir()
	broken, folder := filepath.Join(dir, "broken.rules"), filepath.Join(dir, "folder.rules")
	if err := errors.Join(os.WriteFile(broken, []byte("prefix_rule("), 0o600), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, line string }{
		{"a file that does not load", broken, rule("a")}, {"a folder", folder, rule("a")}, {"two lines", filepath.Join(dir, "x"), "a\nb"},
		{"a blank line", filepath.Join(dir, "x"), " "}, {"a line that is no rule", filepath.Join(dir, "y"), "prefix_rule("},
		{"a file that would be too large", filepath.Join(dir, "z"), "#" + strings.Repeat("a", MaxSize)},
	} {
		if added, err := Append(t.Context(), c.path, c.line); err == nil || added {
			t.Errorf("%s: added %v, %v", c.name, added, err)
		}
	}
	if got := read(t, broken); got != "prefix_rule(" {
		t.Errorf("the broken file was changed: %q", got)
	}
}

// Many writers at once, some with the same rule: every rule is there once.
func TestAppendAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "default.rules")
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			if _, err := Append(t.Context(), path, rule(fmt.Sprintf("tool%d", i%12))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	text := read(t, path)
	for i := range 12 {
		if n := strings.Count(text, rule(fmt.Sprintf("tool%d", i))+"\n"); n != 1 {
			t.Errorf("tool%d is there %d times", i, n)
		}
	}
	if n := strings.Count(text, "\n"); n != 12 {
		t.Errorf("%d lines", n)
	}
}

// Somebody who never lets go of the lock does not hold a call up for ever.
func TestAppendGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "default.rules")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if added, err := Append(ctx, path, rule("a")); added || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("added %v, %v", added, err)
	}
	if got := read(t, path); got != "" {
		t.Errorf("the file holds %q", got)
	}
}
