//go:build linux

package mountpoint

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

func registry(t *testing.T) (*Registry, string) {
	t.Helper()
	r, err := Open(filepath.Join(t.TempDir(), "registry"))
	if err != nil {
		t.Fatal(err)
	}
	return r, t.TempDir()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestHoldAndRelease(t *testing.T) {
	t.Parallel()
	r, dir := registry(t)
	p := filepath.Join(dir, ".git")
	first, err := r.Hold([]string{p})
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Hold([]string{p})
	if err != nil {
		t.Fatal(err)
	}
	first.Release()
	if !exists(p) {
		t.Fatal("removed while the second still uses it")
	}
	if err := r.Sweep(); err != nil || !exists(p) {
		t.Fatalf("swept while in use (%v)", err)
	}
	second.Release()
	if exists(p) {
		t.Fatal("left behind")
	}
	second.Release() // again: nothing to do
}

func TestSweepRemovesWhatAKilledProcessLeft(t *testing.T) {
	t.Parallel()
	r, dir := registry(t)
	p := filepath.Join(dir, ".git")
	h, err := r.Hold([]string{p})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range h.locks { // what the kernel does for a killed process
		l.Close()
	}
	if _, err := Open(r.Dir()); err != nil {
		t.Fatal(err)
	}
	if exists(p) {
		t.Error("leftover survived the sweep")
	}
}

func TestOnlyOwnEmptyDirectoriesAreRemoved(t *testing.T) {
	t.Parallel()
	r, dir := registry(t)
	p := filepath.Join(dir, ".codex")
	h, err := r.Hold([]string{p})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, 0o755); err != nil { // somebody makes it his own
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.Release()
	if !exists(filepath.Join(p, "f")) {
		t.Error("removed a directory with something in it")
	}
	if _, err := r.Hold([]string{p}); !errors.Is(err, ErrExists) {
		t.Errorf("hold of an existing directory: %v, want ErrExists", err)
	}
}

// What git finds there must be neither a directory, which is a repository to go build, nor a regular file, which is a broken
// pointer to git. What somebody puts in its place stays.
func TestPlaceholderOfGitIsNoRepository(t *testing.T) {
	t.Parallel()
	r, dir := registry(t)
	p := filepath.Join(dir, ".git")
	h, err := r.Hold([]string{p})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(p)
	if err != nil || info.IsDir() || info.Mode().IsRegular() {
		t.Fatalf("placeholder is %v, %v", info.Mode(), err)
	}
	if !placeholder(p) {
		t.Error("not known as a placeholder")
	}
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte("gitdir: x"), 0o444); err != nil {
		t.Fatal(err)
	}
	h.Release()
	if !exists(p) {
		t.Error("removed somebody's file")
	}
}

func TestUnwritableParentIsLeftOut(t *testing.T) {
	t.Parallel()
	r, dir := registry(t)
	h, err := r.Hold([]string{filepath.Join(dir, "missing", ".git"), "/proc/.git"})
	if err != nil || len(h.Paths()) != 0 {
		t.Errorf("got %v, %v; want nothing held", h.Paths(), err)
	}
}

// A second command takes the first one's placeholders for what they are, whatever their form, and keeps them when the first ends.
func TestASecondCommandSharesPlaceholders(t *testing.T) {
	t.Parallel()
	r, dir := registry(t)
	var protected []filesystem.Protected
	for _, name := range []string{".git", ".codex"} {
		protected = append(protected, filesystem.Protected{Path: filepath.Join(dir, name), Kind: filesystem.Missing, Name: name})
	}
	plan := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Writable: []filesystem.Root{{Path: dir, Kind: filesystem.Dir, Protected: protected}}}
	_, first, err := r.Prepare(plan)
	if err != nil {
		t.Fatal(err)
	}
	for i := range protected { // as somebody sees them who gathers facts now
		kind, err := sandbox.KindOf(protected[i].Path)
		if err != nil || kind == filesystem.Missing {
			t.Fatalf("%s is %s, %v", protected[i].Path, kind, err)
		}
		protected[i].Kind = kind
	}
	_, second, err := r.Prepare(plan)
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Paths()) != len(protected) {
		t.Errorf("the second holds %v", second.Paths())
	}
	first.Release()
	for _, p := range protected {
		if !exists(p.Path) {
			t.Errorf("%s was removed while the second command runs", p.Name)
		}
	}
	second.Release()
	for _, p := range protected {
		if exists(p.Path) {
			t.Errorf("%s was left behind", p.Name)
		}
	}
}
