//go:build unix

package canonical

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// MakeDir makes the directory at a canonical path, and with parents those above it that are missing; permit is asked about each. One that
// is there already is an error without parents.
func MakeDir(path string, parents bool, permit func(string) error) error {
	if parents {
		dir, _, err := openDir(path, true, permit)
		if err == nil {
			err = unix.Close(dir)
		}
		return err
	}
	if err := permit(path); err != nil {
		return err
	}
	dir, _, err := openDir(filepath.Dir(path), false, nil)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := unix.Mkdirat(dir, filepath.Base(path), 0o777); err != nil {
		return &os.PathError{Op: "make directory", Path: path, Err: err}
	}
	return nil
}

// RemoveDir removes the empty directory at a canonical path.
func RemoveDir(path string) error {
	dir, _, err := openDir(filepath.Dir(path), false, nil)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := unix.Unlinkat(dir, filepath.Base(path), unix.AT_REMOVEDIR); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}
