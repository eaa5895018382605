//go:build unix

package canonical

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Staged is new content beside its place, not visible under its name yet.
type Staged struct {
	path string
	dir  int // of path; closed by Commit and Discard
	temp string
	made []string // directories made on the way, outermost first
}

// Stage writes content to a temporary file in the directory of the canonical path. Missing directories are created;
// permit is asked about each of them and of the path itself. The mode and owner of old are kept; without old the
// mode is 0666 less the umask. An error leaves nothing behind.
func Stage(path string, content []byte, old fs.FileInfo, permit func(string) error) (*Staged, error) {
	if err := permit(path); err != nil {
		return nil, err
	}
	dir, made, err := openDir(filepath.Dir(path), true, permit)
	s := &Staged{path: path, dir: dir, made: made}
	if err != nil {
		s.removeDirs()
		return nil, err
	}
	if err := s.write(content, old); err != nil {
		s.Discard()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return s, nil
}

func (s *Staged) write(content []byte, old fs.FileInfo) error {
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails since Go 1.24
	temp := ".proctor-" + hex.EncodeToString(name[:])
	fd, err := retry(func() (int, error) {
		return unix.Openat(s.dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o666)
	})
	if err != nil {
		return err
	}
	s.temp = temp
	f := os.NewFile(uintptr(fd), temp)
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if old == nil {
		return f.Close()
	}
	if owner, ok := old.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	if err := f.Chmod(old.Mode().Perm()); err != nil { // set-user-ID is dropped on purpose
		return err
	}
	return f.Close()
}

// Commit puts the content in its place, replacing what is there in one step. It may be called once.
func (s *Staged) Commit() error {
	err := unix.Renameat(s.dir, s.temp, s.dir, filepath.Base(s.path))
	if err != nil {
		s.Discard()
		return &os.PathError{Op: "replace", Path: s.path, Err: err}
	}
	return unix.Close(s.dir)
}

// Discard removes the temporary file and the directories that Stage made, as far as they are empty.
func (s *Staged) Discard() {
	if s.temp != "" {
		_ = unix.Unlinkat(s.dir, s.temp, 0)
	}
	if s.dir >= 0 {
		_ = unix.Close(s.dir)
	}
	s.removeDirs()
}

func (s *Staged) removeDirs() {
	for i := len(s.made) - 1; i >= 0; i-- {
		dir, _, err := openDir(filepath.Dir(s.made[i]), false, nil)
		if err != nil {
			return
		}
		_ = unix.Unlinkat(dir, filepath.Base(s.made[i]), unix.AT_REMOVEDIR)
		_ = unix.Close(dir)
	}
}
