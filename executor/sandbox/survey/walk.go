//go:build linux

package survey

import (
	"errors"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds end a walk. A zero field does not.
type Bounds struct {
	Folders, Entries int
	Time             time.Duration
}

// Report says how far a walk came.
type Report struct {
	// StoppedAt is the first folder that was not opened because of the bounds, or empty.
	StoppedAt string
	// Depth is how many levels below the roots were seen in full when it stopped.
	Depth int
}

// Folder is an open folder of the walk. It is valid during the visit.
type Folder struct {
	Path string
	// Depth is 0 for a root.
	Depth int
	fd    int
}

// Stat is that of an entry itself, not of what a symlink leads to.
func (f Folder) Stat(name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, err
}

// Visit is told of each entry of a folder and says whether to go into it, when it is one.
type Visit func(f Folder, e Entry) (descend bool)

// bulky folders come last.
var bulky = map[string]bool{"node_modules": true, ".venv": true, "venv": true, "target": true, "vendor": true, "site-packages": true,
	".cache": true, "build": true, "dist": true}

type pending struct {
	path  string
	depth int
}

// Walk visits everything below the roots, which are canonical paths of folders.
func Walk(roots []string, b Bounds, visit Visit) Report {
	w := walker{bounds: b, visit: visit, buf: make([]byte, 32<<10)}
	if b.Time > 0 {
		w.deadline = time.Now().Add(b.Time)
	}
	for _, r := range roots {
		w.level = append(w.level, pending{r, 0})
	}
	for {
		for _, p := range w.level {
			if w.over() {
				return w.report(p)
			}
			w.folder(p)
		}
		switch {
		case len(w.next) > 0:
			w.level, w.next = w.next, nil
		case len(w.late) > 0: // each of them is a walk of its own, no longer in step with the depth
			w.level, w.late = w.late, nil
		default:
			return Report{}
		}
	}
}

type walker struct {
	bounds            Bounds
	visit             Visit
	deadline          time.Time
	folders, entries  int
	level, next, late []pending
	buf               []byte
	names             []Entry
}

func (w *walker) over() bool {
	return w.bounds.Folders > 0 && w.folders >= w.bounds.Folders || w.bounds.Entries > 0 && w.entries >= w.bounds.Entries ||
		w.folders%16 == 0 && !w.deadline.IsZero() && time.Now().After(w.deadline)
}

func (w *walker) report(at pending) Report {
	r := Report{StoppedAt: at.path, Depth: at.depth}
	for _, p := range slices.Concat(w.next, w.late) {
		r.Depth = min(r.Depth, p.depth)
	}
	return r
}

func (w *walker) folder(p pending) {
	w.folders++
	fd, err := unix.Openat2(unix.AT_FDCWD, p.path, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return
	}
	defer unix.Close(fd)
	f := Folder{Path: p.path, Depth: p.depth, fd: fd}
	for {
		n, err := unix.Getdents(fd, w.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		w.names = appendEntries(w.names[:0], w.buf[:n])
		for _, e := range w.names {
			w.entries++
			if e.Type == Unknown {
				e.Type = typeOf(f, e.Name)
			}
			if w.visit(f, e) && e.Type == Dir {
				w.queue(pending{path.Join(p.path, e.Name), p.depth + 1}, e.Name)
			}
		}
	}
}

func (w *walker) queue(p pending, name string) {
	switch {
	case p.path == "/proc" || p.path == "/sys" || p.path == "/dev":
	case bulky[name]:
		w.late = append(w.late, p)
	default:
		w.next = append(w.next, p)
	}
}
