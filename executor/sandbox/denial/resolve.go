//go:build linux

package denial

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/change"
	"proctor/executor/sandbox/memory"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// target is a path as the kernel will see it.
type target struct {
	// path is absolute and free of symlinks in all but, perhaps, the last name.
	path   string
	exists bool
	mode   uint32    // st_mode when it exists
	born   time.Time // of a named pipe
	state  change.State
	// beyond: path goes on below stop, which is no folder.
	beyond bool
	stop   string
	// free: the plan lets the program do here what it wants.
	free bool
}

// maxLinks bounds how many dangling symlinks in a row are followed.
const maxLinks = 8

// resolver resolves paths in the root directory that the confined processes see.
type resolver struct {
	root    int // O_PATH descriptor of their root, or -1 before the first use
	parents parents
	// free says whether the plan lets a program do what it wants with every name in a folder.
	free   func(folder string) bool
	reader memory.Reader
	buffer [2*memory.PathLimit + 1]byte // of results of readlink, and what is put behind them
}

func newResolver(p filesystem.Plan) *resolver {
	return &resolver{root: -1, parents: parents{}, free: freeFolders(p)}
}

// readlink is bounded by the buffer, in which the result lies until the next call.
func (r *resolver) readlink(name string) ([]byte, error) {
	n, err := unix.Readlink(name, r.buffer[:memory.PathLimit])
	return r.buffer[:max(n, 0)], err
}

func ownDescriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func (r *resolver) close() {
	r.parents.forget()
	if r.root >= 0 {
		_ = unix.Close(r.root)
	}
}

// resolve finds out what argument a of a call by pid names. ok is false when it names nothing on a file
// system that a plan speaks about: a pipe, a private device, memory that cannot be read, a missing parent.
func (r *resolver) resolve(pid int, a seccomp.Arg, args [6]uint64) (t target, ok bool) {
	if a.Path < 0 {
		return r.descriptor(pid, int32(args[a.Dir]))
	}
	dirFD := int32(unix.AT_FDCWD)
	if a.Dir >= 0 {
		dirFD = int32(args[a.Dir])
	}
	if args[a.Path] == 0 { // utimensat(fd, NULL, ...)
		return r.descriptor(pid, dirFD)
	}
	name, errno := r.reader.String(pid, args[a.Path], memory.PathLimit)
	if errno != 0 {
		return target{}, false
	}
	if name == "" { // AT_EMPTY_PATH, or ENOENT
		return r.descriptor(pid, dirFD)
	}
	full, ok := r.absolute(pid, dirFD, name)
	if !ok || private(full) {
		return target{}, false
	}
	return r.lookup(pid, full, a.NoFollow)
}

// descriptor is what an open descriptor of pid points to.
func (r *resolver) descriptor(pid int, fd int32) (target, bool) {
	if fd < 0 {
		return target{}, false
	}
	p, err := os.Readlink(procPath(pid, "fd/"+strconv.Itoa(int(fd))))
	if err != nil || !strings.HasPrefix(p, "/") || strings.HasSuffix(p, " (deleted)") || private(p) {
		return target{}, false
	}
	return r.lookup(pid, p, true)
}

func procPath(pid int, rest string) string { return "/proc/" + strconv.Itoa(pid) + "/" + rest }

// absolute joins name with where it starts from, and takes the magic links of /proc out of the front.
func (r *resolver) absolute(pid int, dirFD int32, name string) (string, bool) {
	if strings.HasPrefix(name, "/") {
		return magic(pid, name)
	}
	link := "cwd"
	if dirFD != unix.AT_FDCWD {
		link = "fd/" + strconv.Itoa(int(dirFD))
	}
	dir, err := r.readlink(procPath(pid, link))
	if err != nil || len(dir) == 0 || dir[0] != '/' || len(name) > memory.PathLimit {
		return "", false
	}
	return magic(pid, string(append(append(dir, '/'), name...)))
}

// magic replaces /proc/self/root, /proc/1/root, /proc/self/cwd and the like, which cannot be followed from outside.
// Every confined process has the same root.
func magic(pid int, name string) (string, bool) {
	if !strings.Contains(name, "proc") {
		return name, true
	}
	for range maxLinks {
		parts := strings.SplitN(strings.TrimLeft(path.Clean(name), "/"), "/", 4)
		if len(parts) < 3 || parts[0] != "proc" {
			return name, true
		}
		rest := "/"
		if len(parts) == 4 {
			rest += parts[3]
		}
		switch parts[2] {
		case "root":
			name = rest
		case "cwd":
			dir, err := os.Readlink(procPath(pid, "cwd"))
			if err != nil {
				return "", false
			}
			name = dir + rest
		case "fd", "task": // what the descriptor is decides, not /proc
			return "", false
		default:
			return name, true
		}
	}
	return "", false
}

// private reports whether p lies where the sandbox shows something of its own, not the host's.
func private(p string) bool { return p == "/dev" || strings.HasPrefix(p, "/dev/") }

func (r *resolver) lookup(pid int, name string, noFollow bool) (target, bool) {
	if r.root < 0 {
		fd, err := unix.Open(procPath(pid, "root"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return target{}, false
		}
		r.root = fd
	}
	if t, ok := r.inParent(name, noFollow); ok {
		return t, !private(t.path)
	}
	for range maxLinks {
		t, err := r.open(name, noFollow)
		if err == nil {
			return t, !private(t.path)
		}
		if errors.Is(err, unix.ENOTDIR) {
			return r.beyond(name)
		}
		if !errors.Is(err, unix.ENOENT) {
			return target{}, false
		}
		parent, base := path.Split(strings.TrimRight(name, "/"))
		dir, err := r.open(parent, false)
		if err != nil || base == "" || base == "." || base == ".." {
			return target{}, false
		}
		full := path.Join(dir.path, base)
		link, isLink := r.linkAt(full)
		if noFollow || !isLink {
			return target{path: full}, !private(full)
		}
		if name = link; !strings.HasPrefix(link, "/") {
			name = dir.path + "/" + link
		}
	}
	return target{}, false
}

// beyond is a name that goes on below a socket, as the placeholder of a missing name is.
func (r *resolver) beyond(name string) (target, bool) {
	rest := ""
	for name = path.Clean(name); len(name) > 1; {
		name, rest = path.Dir(name), path.Join(path.Base(name), rest)
		switch t, err := r.open(name, true); {
		case err == nil && t.mode&unix.S_IFMT == unix.S_IFSOCK:
			return target{path: path.Join(t.path, rest), beyond: true, stop: t.path}, true
		case !errors.Is(err, unix.ENOTDIR):
			return target{}, false
		}
	}
	return target{}, false
}

func (r *resolver) open(name string, noFollow bool) (target, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	if noFollow {
		how.Flags |= unix.O_NOFOLLOW
	}
	fd, err := unix.Openat2(r.root, name, &how)
	if err != nil {
		return target{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return target{}, err
	}
	p, err := r.readlink(ownDescriptor(fd))
	t := target{path: string(p), exists: true, mode: st.Mode, state: change.Of(&st)}
	if st.Mode&unix.S_IFMT == unix.S_IFIFO {
		t.born = birth(fd, &st)
	}
	return t, err
}

// birth is when a file was made, or last changed where the file system does not say.
func birth(fd int, st *unix.Stat_t) time.Time {
	var x unix.Statx_t
	if unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &x) == nil && x.Mask&unix.STATX_BTIME != 0 {
		return time.Unix(x.Btime.Sec, int64(x.Btime.Nsec))
	}
	return time.Unix(st.Ctim.Unix())
}

func (r *resolver) linkAt(name string) (string, bool) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(r.root, name, &how)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	buf := make([]byte, memory.PathLimit)
	n, err := unix.Readlinkat(fd, "", buf)
	return string(buf[:max(n, 0)]), err == nil && n > 0
}
