//go:build linux

package denial

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/change"
	"proctor/executor/sandbox/seccomp"
)

// maxParents bounds the folders kept open.
const maxParents = 32

// parents are folders as they were last named, open: programs make many calls in few of them. What a name leads to changes only
// by calls that are stopped, see forget; a change from outside goes unnoticed until then, which only a report could suffer from.
type parents map[string]parent

type parent struct {
	fd   int
	path string // canonical, with a slash at the end
	free bool
}

func (ps parents) forget() {
	for name, p := range ps {
		_ = unix.Close(p.fd)
		delete(ps, name)
	}
}

// changes reports whether a call may make a folder's name lead elsewhere.
func (t target) changesNames(row seccomp.Call) bool {
	kind := t.mode & unix.S_IFMT
	switch row.Access {
	case "rename", "remove":
		return t.exists && (kind == unix.S_IFDIR || kind == unix.S_IFLNK)
	default:
		return row.Name == "symlink" || row.Name == "symlinkat" || row.Access == "link" && kind == unix.S_IFLNK
	}
}

// inParent looks a name up in its folder. ok is false when the whole name has to be looked up: its last part is a symlink to
// follow, or the folder cannot be kept.
func (r *resolver) inParent(name string, noFollow bool) (t target, ok bool) {
	dir, base := path.Split(name)
	if base == "" || base == "." || base == ".." || strings.HasPrefix(dir, "/proc/") {
		return target{}, false
	}
	p, known := r.parents[dir]
	if !known {
		how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
		fd, err := unix.Openat2(r.root, dir, &how)
		if err != nil {
			return target{}, false
		}
		link, err := r.readlink(ownDescriptor(fd))
		canonical := string(link)
		if err != nil || strings.HasPrefix(canonical, "/proc") {
			_ = unix.Close(fd)
			return target{}, false
		}
		if len(r.parents) >= maxParents {
			r.parents.forget()
		}
		p = parent{fd: fd, path: strings.TrimSuffix(canonical, "/") + "/", free: r.free(canonical)}
		r.parents[dir] = p
	}
	var st unix.Stat_t
	err := unix.Fstatat(p.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	kind := st.Mode & unix.S_IFMT
	switch {
	case err == unix.ENOENT:
		return target{path: p.path + base, free: p.free}, true
	case err != nil, kind == unix.S_IFLNK && !noFollow, kind == unix.S_IFIFO:
		return target{}, false
	}
	return target{path: p.path + base, free: p.free, exists: true, mode: st.Mode, state: change.Of(&st)}, true
}
