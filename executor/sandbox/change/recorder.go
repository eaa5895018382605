//go:build linux

package change

import (
	"strings"

	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

// MaxPaths is how many different paths one command is followed on.
const MaxPaths = 1024

// What is read for the digests of files as they were, while the command waits: bytes of a file and of all, and the number of files.
const (
	MaxBefore      = 256 << 10
	MaxBeforeTotal = 4 << 20
	maxBeforeFiles = 128
)

// State is what stands at a path. The zero value is nothing.
type State struct {
	Exists   bool
	Mode     uint32 // st_mode
	Inode    uint64
	Size     int64
	Modified int64 // nanoseconds since 1970
}

// Of is the state that a stat call gave.
func Of(st *unix.Stat_t) State {
	return State{Exists: true, Mode: st.Mode, Inode: st.Ino, Size: st.Size, Modified: st.Mtim.Nano()}
}

func (s State) isDir() bool { return s.Exists && s.Mode&unix.S_IFMT == unix.S_IFDIR }

// followed reports whether s is something whose change is told: a file, a symlink, or nothing yet.
func (s State) followed() bool {
	kind := s.Mode & unix.S_IFMT
	return !s.Exists || kind == unix.S_IFREG || kind == unix.S_IFLNK
}

// Recorder collects what one command is about to change below its roots.
type Recorder struct {
	roots   []string
	before  map[string]State
	moved   map[string]string // where what stood here before has gone, for files
	dirs    []move            // renamed directories
	omitted int
	digests map[string]string // of what stood at a path before
	hasher  hasher
}

type move struct{ from, to string }

// New follows changes below roots, which are canonical.
func New(roots []string) *Recorder {
	return &Recorder{roots: roots, before: map[string]State{}, moved: map[string]string{}, digests: map[string]string{}}
}

// Note says that path, where s stands, is about to be written, created or removed.
func (r *Recorder) Note(path string, s State) {
	if _, known := r.before[path]; known || !s.followed() || !r.inside(path) {
		return
	}
	if len(r.before) >= MaxPaths {
		r.omitted++
		return
	}
	r.before[path] = s
	r.keepDigest(path, s)
}

// keepDigest reads a small file that was there before.
func (r *Recorder) keepDigest(path string, s State) {
	if s.Mode&unix.S_IFMT != unix.S_IFREG || s.Size > MaxBefore || len(r.digests) >= maxBeforeFiles || r.hasher.bytes+s.Size > MaxBeforeTotal {
		return
	}
	r.hasher.bytes += s.Size
	if sum, ok := r.hasher.digest(path, MaxBefore); ok {
		r.digests[path] = sum
	}
}

// Rename says that what stands at from is about to get the name to.
func (r *Recorder) Rename(from, to string, source, target State) {
	if !source.Exists || from == to {
		return
	}
	if source.isDir() {
		r.renameDir(from, to)
		return
	}
	r.Note(from, source)
	r.Note(to, target)
	origin := from
	for first, now := range r.moved { // moved before: what counts is where it stood at first
		if now == from {
			origin = first
		}
	}
	if s, ok := r.before[origin]; ok && s.Exists {
		r.moved[origin] = to
	}
}

// renameDir moves what is known of paths below from along.
func (r *Recorder) renameDir(from, to string) {
	if !r.inside(from) || !r.inside(to) {
		return
	}
	r.dirs = append(r.dirs, move{from, to})
	for path, s := range r.before {
		if rest, ok := strings.CutPrefix(path, from+"/"); ok && !s.Exists {
			delete(r.before, path)
			r.before[to+"/"+rest] = s
		}
	}
}

func (r *Recorder) inside(path string) bool {
	for _, root := range r.roots {
		if filesystem.Within(path, root) {
			return true
		}
	}
	return false
}
