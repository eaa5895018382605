//go:build linux

package mountpoint

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The modes of placeholders: without write permission, so that ordinary programs do not put things in them.
const (
	dirMode    = 0o555
	socketMode = 0o444
)

// hollow reports whether the placeholder at path is to be a socket that nobody listens on. A directory named .git makes build
// tools believe that there is a repository (go build asks git for its state and fails), a file with that name is a broken
// pointer to one; anything else git and those tools pass over. It cannot be opened, so nobody waits for it either.
func hollow(path string) bool { return filepath.Base(path) == ".git" }

// put makes the placeholder at path.
func put(path string) error {
	if hollow(path) {
		err := unix.Mknod(path, unix.S_IFSOCK|socketMode, 0)
		if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EINVAL) {
			return err
		}
		// The file system has no sockets.
	}
	return os.Mkdir(path, dirMode)
}

// take removes the placeholder at path, if there is one.
func take(path string) {
	switch kind, made := looksMade(path); {
	case !made:
	case kind == unix.S_IFDIR:
		_ = unix.Rmdir(path) // fails when something is in it
	default:
		_ = unix.Unlink(path)
	}
}

// looksMade reports whether path is a directory or socket of this user that nobody may write, as put makes them.
func looksMade(path string) (kind uint32, made bool) {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil || st.Mode&0o222 != 0 || int(st.Uid) != os.Geteuid() {
		return 0, false
	}
	kind = st.Mode & unix.S_IFMT
	return kind, kind == unix.S_IFDIR || kind == unix.S_IFSOCK && hollow(path)
}

// placeholder reports whether path is such a socket, or such a directory and empty.
func placeholder(path string) bool {
	kind, made := looksMade(path)
	if !made || kind == unix.S_IFSOCK {
		return made
	}
	d, err := os.Open(path)
	if err != nil {
		return false
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	return errors.Is(err, io.EOF)
}
