//go:build linux

package change

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
)

// What is read for digests: bytes of a file and of all, and the number of files.
const (
	MaxHash      = 8 << 20
	MaxHashTotal = 64 << 20
	maxHashFiles = 512
	readSize     = 32 << 10
)

// Settle compares with what is there now, and says how many paths were not followed. The command must have ended.
func (r *Recorder) Settle() (changes []sandbox.Change, omitted int) {
	h := hasher{}
	arrived := map[string]bool{} // renamed to
	for _, from := range slices.Sorted(maps.Keys(r.moved)) {
		to := r.moved[from]
		before, now := r.before[from], look(to)
		if !now.Exists || now.Inode != before.Inode || r.before[to].Exists || look(from).Exists {
			continue
		}
		arrived[from], arrived[to] = true, true
		changes = append(changes, h.fill(sandbox.Change{Path: from, MoveTo: to, Kind: sandbox.ChangeUpdate, Before: r.digests[from]}, to, now))
	}
	for _, path := range slices.Sorted(maps.Keys(r.before)) {
		if arrived[path] {
			continue
		}
		before, now := r.before[path], look(path)
		c := sandbox.Change{Path: path, Before: r.digests[path]}
		switch {
		case !before.Exists && !now.Exists, before == now, !now.followed():
			continue
		case !before.Exists:
			c.Kind = sandbox.ChangeAdd
		case !now.Exists:
			c.Kind = sandbox.ChangeDelete
		default:
			c.Kind = sandbox.ChangeUpdate
		}
		changes = append(changes, h.fill(c, path, now))
	}
	for _, d := range r.dirs {
		if look(d.to).isDir() && !look(d.from).Exists {
			changes = append(changes, sandbox.Change{Path: d.from, MoveTo: d.to, Kind: sandbox.ChangeUpdate})
		}
	}
	return changes, r.omitted
}

func look(path string) State {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil {
		return State{}
	}
	return Of(&st)
}

// hasher computes digests within its bounds.
type hasher struct {
	files  int
	bytes  int64
	buffer []byte
}

func (h *hasher) fill(c sandbox.Change, path string, now State) sandbox.Change {
	if !now.Exists {
		return c
	}
	c.Bytes = now.Size
	if now.Mode&unix.S_IFMT != unix.S_IFREG || now.Size > MaxHash || h.bytes+now.Size > MaxHashTotal || h.files >= maxHashFiles {
		c.Unhashed = true
		return c
	}
	h.files++
	h.bytes += now.Size
	var ok bool
	if c.After, ok = h.digest(path, MaxHash); !ok {
		c.Unhashed = true
	}
	return c
}

// digest is the hex SHA-256 of a regular file of at most limit bytes. It follows no symlink: another command may be at work in
// the same place.
func (h *hasher) digest(path string, limit int64) (string, bool) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOATIME, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	if err != nil {
		how.Flags &^= unix.O_NOATIME // not ours
		if fd, err = unix.Openat2(unix.AT_FDCWD, path, &how); err != nil {
			return "", false
		}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", false
	}
	sum := sha256.New()
	if h.buffer == nil {
		h.buffer = make([]byte, readSize)
	}
	n, err := io.CopyBuffer(sum, io.LimitReader(f, limit+1), h.buffer)
	if err != nil || n > limit {
		return "", false
	}
	return hex.EncodeToString(sum.Sum(nil)), true
}
