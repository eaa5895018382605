//go:build linux

package mountpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// pathLimit bounds a registry entry, which is the path and nothing else (PATH_MAX).
	pathLimit = 4096
	lockName  = "lock"
	// nameLength is that of an entry: 16 bytes of a SHA-256 over the path, in hex.
	nameLength = 32
)

// Registry remembers the placeholders of one user in a directory.
//
// Two kinds of lock: the file "lock", exclusive, while entries and directories are made or removed (short), and a
// shared lock on each entry for as long as a command uses it. The second is only ever taken under the first.
type Registry struct {
	dir string

	mu      sync.Mutex
	holders int // holds with placeholders
	told    int // where the sweeper's waiter listens, or -1
}

// Open uses dir (made when missing, mode 0700) and sweeps what killed processes left behind.
func Open(dir string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open mount point registry: %w", err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("open mount point registry: %w", err)
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, fmt.Errorf("open mount point registry: %w", err)
	}
	r := &Registry{dir: real, told: -1}
	return r, r.Sweep()
}

// Hidden is an empty file that nobody may read, made on first use: it stands in for denied files.
func (r *Registry) Hidden() (string, error) {
	path := filepath.Join(r.dir, "hidden")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0)
	if err == nil {
		return path, f.Close()
	}
	if _, err := os.Lstat(path); err != nil {
		return "", fmt.Errorf("make the stand-in for hidden files: %w", err)
	}
	return path, nil // it is there, and rightly cannot be opened
}

// Dir is the registry directory.
func (r *Registry) Dir() string { return r.dir }

// Hold keeps placeholders in place until Release.
type Hold struct {
	registry *Registry
	paths    []string
	locks    []*os.File
}

// ErrExists means that something was made at the path since the plan's facts were gathered. Gather again.
var ErrExists = errors.New("path exists now")

var errNotWritable = errors.New("parent not writable")

// Hold makes a placeholder at each missing path, or shares the one that another command made.
// A path whose parent is missing or not writable is left out: the command cannot make it either.
func (r *Registry) Hold(paths []string) (*Hold, error) {
	h := &Hold{registry: r}
	if len(paths) == 0 {
		return h, nil
	}
	r.count(+1)
	err := r.locked(func() error {
		for _, p := range paths {
			lock, err := r.acquire(p)
			if errors.Is(err, errNotWritable) {
				continue
			}
			if err != nil {
				return fmt.Errorf("protect missing %q: %w", p, err)
			}
			h.paths, h.locks = append(h.paths, p), append(h.locks, lock)
		}
		return nil
	})
	if len(h.locks) == 0 {
		r.count(-1)
	}
	if err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// Paths are the placeholders that are held.
func (h *Hold) Paths() []string { return h.paths }

// Release removes the placeholders that nobody else uses. Call it once the command is gone.
// What cannot be removed now is left to the next sweep.
func (h *Hold) Release() {
	if len(h.locks) == 0 {
		return
	}
	_ = h.registry.locked(func() error {
		for _, lock := range h.locks {
			drop(lock)
			_ = lock.Close()
		}
		return nil
	})
	h.locks, h.paths = nil, nil
	h.registry.count(-1)
}

// Sweep removes the placeholders whose users are all gone.
func (r *Registry) Sweep() error {
	_, err := r.sweep()
	return err
}

// sweep also tells how many placeholders are in use.
func (r *Registry) sweep() (used int, err error) {
	err = r.locked(func() error {
		entries, err := os.ReadDir(r.dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if len(e.Name()) != nameLength || !e.Type().IsRegular() {
				continue
			}
			f, err := os.OpenFile(filepath.Join(r.dir, e.Name()), os.O_RDWR, 0)
			if err != nil {
				continue
			}
			if drop(f) {
				_ = os.Remove(f.Name())
			} else {
				used++
			}
			_ = f.Close()
		}
		return nil
	})
	if err != nil {
		return used, fmt.Errorf("sweep mount point registry: %w", err)
	}
	return used, nil
}

func (r *Registry) locked(do func() error) error {
	f, err := os.OpenFile(filepath.Join(r.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := flock(f, unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return do()
}

// acquire writes the entry before it makes the directory, so a kill in between leaves nothing unknown.
func (r *Registry) acquire(path string) (*os.File, error) {
	lock, err := os.OpenFile(r.entry(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(lock, unix.LOCK_SH); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := place(path, lock); err != nil {
		drop(lock)
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func (r *Registry) entry(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(r.dir, hex.EncodeToString(sum[:nameLength/2]))
}

// listed reports whether path may be a placeholder of ours.
func (r *Registry) listed(path string) bool {
	_, err := os.Lstat(r.entry(path))
	return err == nil && placeholder(path)
}

func place(path string, lock *os.File) error {
	known := read(lock) == path
	if _, err := os.Lstat(path); err == nil {
		if known && placeholder(path) {
			return nil
		}
		return errors.Join(ErrExists, lock.Truncate(0))
	}
	if !known {
		if _, err := lock.WriteAt([]byte(path), 0); err != nil {
			return err
		}
	}
	err := put(path)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrNotExist) {
		return errNotWritable
	}
	return err
}

// drop removes the placeholder unless somebody else holds it, and reports whether nobody does. The entry stays for
// the next command (a sweep removes it): making and removing files costs more than the rest together.
func drop(lock *os.File) bool {
	if flock(lock, unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false
	}
	if path := read(lock); path != "" {
		take(path)
	}
	return true
}

func read(f *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, pathLimit))
	if err != nil {
		return ""
	}
	return string(b)
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
