//go:build unix

package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"proctor/event"
)

// Claim makes this process the one that writes a session, until release or its end, however it ends. It works
// beside a live owner of the ledger. Another claim meanwhile, also of this process, fails with ErrClaimed. A session
// that was left open and that nobody claims was left by a process that is gone.
func Claim(dir, session string) (release func(), err error) {
	if err := event.CheckSession(session); err != nil {
		return nil, fmt.Errorf("claim session: %w", err)
	}
	claims := filepath.Join(dir, claimsDir)
	if err := os.MkdirAll(claims, 0o700); err != nil {
		return nil, fmt.Errorf("claim session %s: %w", session, err)
	}
	path := filepath.Join(claims, session)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("claim session %s: %w", session, err)
		}
		if err := lockFile(f); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("claim session %s: %w", session, err)
		}
		if sameFile(f, path) {
			return func() { _, _ = os.Remove(path), f.Close() }, nil
		}
		_ = f.Close() // whoever had it removed it between our two steps
	}
}

func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrClaimed
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

func sameFile(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Lstat(path)
	return err == nil && os.SameFile(ours, theirs)
}
