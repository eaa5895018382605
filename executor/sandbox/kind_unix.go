//go:build unix

package sandbox

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

// KindOf says what stands at path now, without following a symlink. What may not be looked at is missing: a confined
// process of the same user may not either.
func KindOf(path string) (filesystem.Kind, error) {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOTDIR):
		return filesystem.Missing, nil
	case err != nil:
		return "", &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return filesystem.Dir, nil
	case unix.S_IFREG:
		return filesystem.File, nil
	case unix.S_IFLNK:
		return filesystem.Symlink, nil
	default:
		return filesystem.Other, nil
	}
}
