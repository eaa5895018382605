//go:build unix

package canonical

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ReadFile reads a canonical path of at most limit bytes. It never waits for a FIFO.
func ReadFile(path string, limit int64) ([]byte, fs.FileInfo, error) {
	dir, _, err := openDir(filepath.Dir(path), false, nil)
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(dir)
	fd, err := openIn(dir, filepath.Base(path), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, nil, pathError("open", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("open %s: %w", path, ErrNotRegular)
	}
	if info.Size() > limit {
		return nil, nil, tooLarge(path, info.Size(), limit)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(b)) > limit { // it grew, or is a /proc file without a size
		return nil, nil, tooLarge(path, int64(len(b)), limit)
	}
	return b, info, nil
}

// Remove removes the file or symbolic link at a canonical path.
func Remove(path string) error {
	dir, _, err := openDir(filepath.Dir(path), false, nil)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := unix.Unlinkat(dir, filepath.Base(path), 0); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}

func tooLarge(path string, size, limit int64) error {
	return fmt.Errorf("open %s: it has at least %d bytes, at most %d are allowed: %w", path, size, limit, ErrTooLarge)
}
