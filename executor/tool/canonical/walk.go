//go:build unix

package canonical

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// openDir opens a canonical directory name by name. With make it creates missing ones, after asking permit about each,
// and returns those it made, outermost first.
func openDir(path string, make bool, permit func(string) error) (dir int, made []string, err error) {
	dir, err = retry(func() (int, error) { return unix.Open("/", dirFlags, 0) })
	if err != nil {
		return -1, nil, &os.PathError{Op: "open", Path: "/", Err: err}
	}
	at := "/"
	for _, name := range strings.Split(strings.Trim(path, "/"), "/") {
		if name == "" {
			continue
		}
		at = filepath.Join(at, name)
		next, err := openIn(dir, name, dirFlags)
		if errors.Is(err, unix.ENOENT) && make {
			if err = permit(at); err == nil {
				err = makeIn(dir, name)
			}
			if err == nil {
				made = append(made, at)
				next, err = openIn(dir, name, dirFlags)
			}
		}
		_ = unix.Close(dir)
		if err != nil {
			return -1, made, pathError("open directory", at, err)
		}
		dir = next
	}
	return dir, made, nil
}

func openIn(dir int, name string, flags int) (int, error) {
	return retry(func() (int, error) { return unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0) })
}

func makeIn(dir int, name string) error {
	err := unix.Mkdirat(dir, name, 0o777) // less the umask
	if errors.Is(err, unix.EEXIST) {      // somebody was faster; openIn sees what it is
		return nil
	}
	return err
}

// pathError names the path, and turns the errno of O_NOFOLLOW on a link into ErrMoved.
func pathError(op, path string, err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("%s %s: a name on the way is a symbolic link or not a directory: %w", op, path, ErrMoved)
	}
	if _, plain := err.(unix.Errno); plain { //nolint:errorlint // a wrapped one has its path already
		return &os.PathError{Op: op, Path: path, Err: err}
	}
	return err
}

// retry repeats a call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		fd, err := call()
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
