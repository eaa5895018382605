//go:build !unix

package sandbox

import (
	"errors"
	"io/fs"
	"os"

	"proctor/policy/filesystem"
)

// KindOf says what stands at path now, without following a symlink.
func KindOf(path string) (filesystem.Kind, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return filesystem.Missing, nil
	case err != nil:
		return "", err
	case info.IsDir():
		return filesystem.Dir, nil
	case info.Mode().IsRegular():
		return filesystem.File, nil
	case info.Mode()&fs.ModeSymlink != 0:
		return filesystem.Symlink, nil
	}
	return filesystem.Other, nil
}
