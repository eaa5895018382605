//go:build linux

package broker

import (
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/memory"
)

// maxLinks is the kernel's limit on symlinks in one lookup (path_resolution(7)).
const maxLinks = 40

const walkFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// place is where a path leads: a name in a directory that is held open. close it.
type place struct {
	dir  int // O_PATH descriptor, -1 for none
	base string
	full string // canonical
	// exists and mode tell what is there now; a symlink only when the last one was not to be followed.
	exists bool
	mode   uint32
	// self: the path names the directory itself ("/", "..", "x/."), and base is empty.
	self bool
	// object is an open O_PATH descriptor of the thing itself when it was reached by one of the caller's descriptors, else -1.
	object int
	// nameless: an object without a place on a file system, such as a pipe.
	nameless bool
	// slash: the path ended in one.
	slash bool
}

func (p *place) close() {
	closeFD(p.dir)
	closeFD(p.object)
}

func closeFD(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

func (p *place) kind() uint32 { return p.mode & unix.S_IFMT }

// walker follows paths as the kernel does for one caller.
type walker struct{ thread, process int }

// ending is how the last name of a path is taken.
type ending int

const (
	// entry is the name itself, a link or not: for calls that make, move and remove names.
	entry ending = iota
	// stay means a link itself, but not one with a slash behind it.
	stay
	// follow means what a link leads to.
	follow
)

func (e ending) follows(slash bool) bool { return e == follow || e == stay && slash }

// start opens the directory that a relative path starts from.
func (w walker) start(dirFD int32) (int, unix.Errno) {
	link := "cwd"
	if dirFD != unix.AT_FDCWD {
		if dirFD < 0 {
			return -1, unix.EBADF
		}
		link = "fd/" + strconv.Itoa(int(dirFD))
	}
	fd, err := unix.Open("/proc/"+strconv.Itoa(w.process)+"/"+link, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return -1, unix.EBADF
	}
	return fd, errnoOf(err)
}

// locate walks name. An error is what the kernel would give.
func (w walker) locate(dirFD int32, name string, last ending) (place, unix.Errno) {
	p := place{dir: -1, object: -1}
	if name == "" {
		return p, unix.ENOENT
	}
	var dir int
	var errno unix.Errno
	if strings.HasPrefix(name, "/") {
		dir, errno = root()
	} else {
		dir, errno = w.start(dirFD)
	}
	if errno != 0 {
		return p, errno
	}
	p.slash = strings.HasSuffix(name, "/")
	p.dir = dir
	if errno := w.walk(&p, names(name), last); errno != 0 {
		p.close()
		return place{dir: -1, object: -1}, errno
	}
	return p, 0
}

// walk goes on from p.dir and fills in the rest of p.
func (w walker) walk(p *place, rest []string, end ending) unix.Errno {
	links := 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "." {
			continue
		}
		inProc := isProc(p.dir)
		top := false // /proc itself, whose links are plain ones
		if inProc {
			at, _ := pathOf(p.dir)
			if top = at == "/proc"; top {
				name = w.own(name)
			}
		}
		if name == ".." {
			if errno := p.enter("..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC); errno != 0 {
				return errno
			}
			continue
		}
		var st unix.Stat_t
		if err := unix.Fstatat(p.dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			if err == unix.ENOENT && len(rest) == 0 {
				return p.settle(name)
			}
			return errnoOf(err)
		}
		last := len(rest) == 0
		if st.Mode&unix.S_IFMT == unix.S_IFLNK && (!last || end.follows(p.slash)) {
			if links++; links > maxLinks {
				return unix.ELOOP
			}
			if inProc && !top {
				done, errno := w.magic(p, name, last)
				if errno != 0 || done {
					return errno
				}
				continue
			}
			target, errno := readlink(p.dir, name)
			if errno != 0 {
				return errno
			}
			if strings.HasPrefix(target, "/") {
				dir, errno := root()
				if errno != 0 {
					return errno
				}
				closeFD(p.dir)
				p.dir = dir
			}
			rest = append(names(target), rest...)
			continue
		}
		if last {
			if p.exists, p.mode = true, st.Mode; p.slash && end != entry && p.kind() != unix.S_IFDIR {
				return unix.ENOTDIR
			}
			return p.settle(name)
		}
		if errno := p.enter(name, walkFlags); errno != 0 {
			return errno
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(p.dir, &st); err != nil {
		return errnoOf(err)
	}
	p.self, p.exists, p.mode = true, true, st.Mode
	return p.settle("")
}

func (p *place) enter(name string, flags int) unix.Errno {
	next, err := unix.Openat(p.dir, name, flags, 0)
	if err != nil {
		return errnoOf(err)
	}
	closeFD(p.dir)
	p.dir = next
	return 0
}

// settle finds the canonical path of what was reached.
func (p *place) settle(base string) unix.Errno {
	dir, ok := pathOf(p.dir)
	if !ok {
		return unix.ENOENT // a removed directory
	}
	p.base, p.full = base, path.Join(dir, base)
	return 0
}

// own names the caller where the kernel would: self and thread-self are those of who looks.
func (w walker) own(name string) string {
	switch name {
	case "self":
		return strconv.Itoa(w.process)
	case "thread-self":
		return strconv.Itoa(w.process) + "/task/" + strconv.Itoa(w.thread)
	}
	return name
}

// magic follows a link in /proc that leads to an object and not to a path. Only the caller's own are followed. done: the
// object is what the whole path names.
func (w walker) magic(p *place, name string, last bool) (done bool, errno unix.Errno) {
	at, ok := pathOf(p.dir)
	if !ok {
		return false, unix.ENOENT
	}
	parts := names(at + "/" + name)
	mine := len(parts) > 2 && parts[0] == "proc" && parts[1] == strconv.Itoa(w.process)
	if mine && parts[2] == "task" && len(parts) > 4 {
		parts = append(parts[:2:2], parts[4:]...) // the threads of a process share these
	}
	if !mine || parts[2] != "fd" && parts[2] != "cwd" && parts[2] != "root" {
		return false, unix.EACCES
	}
	fd, err := unix.Openat(p.dir, name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, errnoOf(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		closeFD(fd)
		return false, errnoOf(err)
	}
	if isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR; !isDir && (!last || p.slash) {
		closeFD(fd)
		return false, unix.ENOTDIR
	}
	if !last {
		closeFD(p.dir)
		p.dir = fd
		return false, 0
	}
	full, named := pathOf(fd)
	p.object, p.full, p.exists, p.mode, p.nameless = fd, full, true, st.Mode, !named
	return true, 0
}

func root() (int, unix.Errno) {
	fd, err := unix.Open("/", walkFlags, 0)
	return fd, errnoOf(err)
}

// pathOf is the path of an open descriptor; ok is false when it has none, or none any more.
func pathOf(fd int) (string, bool) {
	p, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || !strings.HasPrefix(p, "/") || strings.HasSuffix(p, " (deleted)") {
		return "", false
	}
	return p, true
}

func isProc(dir int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(dir, &st) == nil && st.Type == unix.PROC_SUPER_MAGIC
}

func readlink(dir int, name string) (string, unix.Errno) {
	buf := make([]byte, memory.PathLimit)
	n, err := unix.Readlinkat(dir, name, buf)
	switch {
	case err != nil:
		return "", errnoOf(err)
	case n == 0:
		return "", unix.ENOENT
	}
	return string(buf[:n]), 0
}

func names(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
}

// errnoOf is the plain error of a system call; anything else counts as an input/output error.
func errnoOf(err error) unix.Errno {
	if err == nil {
		return 0
	}
	if errno, ok := err.(unix.Errno); ok { //nolint:errorlint // of a system call, never wrapped
		return errno
	}
	return unix.EIO
}
