//go:build unix

package canonical

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Stat tells what stands at a canonical path; a link there is told as one.
func Stat(path string) (Info, error) {
	dir, _, err := openDir(filepath.Dir(path), false, nil)
	if err != nil {
		return Info{}, err
	}
	defer unix.Close(dir)
	info, err := statIn(dir, filepath.Base(path))
	if err != nil {
		return Info{}, pathError("look at", path, err)
	}
	return info, nil
}

// ReadDir tells up to limit of what is in the directory at a canonical path, in no order.
func ReadDir(path string, limit int) ([]Info, error) {
	parent, _, err := openDir(filepath.Dir(path), false, nil)
	if err != nil {
		return nil, err
	}
	defer unix.Close(parent)
	fd, err := openIn(parent, filepath.Base(path), unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, pathError("open directory", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	names, err := f.Readdirnames(limit)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	list := make([]Info, 0, len(names))
	for _, name := range names {
		info, err := statIn(fd, name)
		if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
			continue
		}
		if err != nil {
			return nil, pathError("look at", filepath.Join(path, name), err)
		}
		list = append(list, info)
	}
	return list, nil
}

func statIn(dir int, name string) (Info, error) {
	var st unix.Stat_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) }); err != nil {
		return Info{}, err
	}
	return Info{Name: name, Type: typeOf(uint32(st.Mode)), Size: st.Size, Modified: time.Unix(st.Mtim.Unix())}, nil //nolint:unconvert // 16 bits on some systems
}

func typeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	}
	return fs.ModeIrregular
}
