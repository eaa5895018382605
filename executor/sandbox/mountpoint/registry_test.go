//go:build linux

package mountpoint

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
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
