//go:build linux

package broker

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/seccomp"
)

// metadata runs act on the thing that a call names, once the plan allows to change it. act gets a path that the
// kernel follows to the very object, or for a symlink itself a directory and a name.
func (c call) metadata(p place, errno unix.Errno, act func(o object) error) denial.Answer {
	if errno != 0 {
		return fails(errno)
	}
	defer p.close()
	if !p.exists {
		return fails(unix.ENOENT)
	}
	if p.nameless && !harmless(p) {
		return c.refuse(refusal{"outside_writable_roots", unix.EPERM}, p.full, "metadata")
	}
	if !p.nameless {
		if r := c.broker.judge.change(p.full); r.yes() {
			return c.refuse(r, p.full, "metadata")
		}
	}
	if p.object < 0 && p.kind() == unix.S_IFLNK {
		return result(act(object{dir: p.dir, name: p.base, link: true, mode: p.mode}))
	}
	fd, errno := p.open()
	if errno != 0 {
		return fails(errno)
	}
	defer closeFD(fd)
	return result(act(object{dir: unix.AT_FDCWD, name: self(fd), mode: p.mode}))
}

// harmless: an object without a name is a pipe, a socket, memory, or a file that nobody else can reach.
func harmless(p place) bool {
	var st unix.Stat_t
	if unix.Fstat(p.object, &st) != nil {
		return false
	}
	return st.Mode&unix.S_IFMT == unix.S_IFIFO || st.Mode&unix.S_IFMT == unix.S_IFSOCK || st.Nlink == 0
}

// object is what to change: name below dir, followed unless it is a link.
type object struct {
	dir  int
	name string
	link bool
	mode uint32
}

func (o object) flags() int {
	if o.link {
		return unix.AT_SYMLINK_NOFOLLOW
	}
	return 0
}

// held is what one of the caller's descriptors holds.
func (c call) held(fd int32) (place, unix.Errno) {
	p := place{dir: -1, object: -1}
	if fd < 0 {
		return p, unix.EBADF
	}
	got, err := unix.Open("/proc/"+strconv.Itoa(c.walker.process)+"/fd/"+strconv.Itoa(int(fd)), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return p, unix.EBADF
	}
	var st unix.Stat_t
	if err := unix.Fstat(got, &st); err != nil {
		closeFD(got)
		return p, errnoOf(err)
	}
	full, named := pathOf(got)
	p.object, p.full, p.exists, p.mode, p.nameless = got, full, true, st.Mode, !named
	return p, 0
}

// named is at, with flags as fchownat and utimensat have them, and the descriptor itself for an empty path.
func (c call) named(dir, path int, flags uint64) (place, unix.Errno) {
	name, errno := c.text(path)
	switch {
	case errno != 0:
		return place{dir: -1, object: -1}, errno
	case name == "" && flags&unix.AT_EMPTY_PATH != 0 && c.fd(dir) != unix.AT_FDCWD:
		return c.held(c.fd(dir))
	case name == "" && flags&unix.AT_EMPTY_PATH != 0:
		name = "."
	}
	if flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		return c.walker.locate(c.fd(dir), name, stay)
	}
	return c.walker.locate(c.fd(dir), name, follow)
}

func (c call) chmod(p place, errno unix.Errno, perm uint32) denial.Answer {
	if errno == 0 {
		if r := mode(perm, p.kind() == unix.S_IFDIR); r.yes() {
			defer p.close()
			return c.refuse(r, p.full, "metadata")
		}
	}
	return c.metadata(p, errno, func(o object) error {
		if o.link {
			return unix.EOPNOTSUPP
		}
		return unix.Fchmodat(o.dir, o.name, perm&0o7777, 0)
	})
}

func chmod(c call) denial.Answer {
	p, errno := c.at(-1, 0, follow)
	return c.chmod(p, errno, uint32(c.Args[1]))
}

func fchmod(c call) denial.Answer {
	p, errno := c.held(c.fd(0))
	return c.chmod(p, errno, uint32(c.Args[1]))
}

func fchmodat(c call) denial.Answer {
	p, errno := c.at(0, 1, follow)
	return c.chmod(p, errno, uint32(c.Args[2]))
}

func fchmodat2(c call) denial.Answer {
	p, errno := c.named(0, 1, c.Args[3])
	return c.chmod(p, errno, uint32(c.Args[2]))
}

func (c call) chown(p place, errno unix.Errno, uid, gid uint64) denial.Answer {
	full := p.full
	a := c.metadata(p, errno, func(o object) error {
		return unix.Fchownat(o.dir, o.name, int(int32(uid)), int(int32(gid)), o.flags())
	})
	if a.Errno == unix.EPERM && a.Denial == nil { // giving files away takes a capability
		return c.refuse(refusal{seccomp.RulePrivilegedCall, unix.EPERM}, full, "metadata")
	}
	return a
}

func chown(c call) denial.Answer {
	p, errno := c.at(-1, 0, follow)
	return c.chown(p, errno, c.Args[1], c.Args[2])
}

func lchown(c call) denial.Answer {
	p, errno := c.at(-1, 0, stay)
	return c.chown(p, errno, c.Args[1], c.Args[2])
}

func fchown(c call) denial.Answer {
	p, errno := c.held(c.fd(0))
	return c.chown(p, errno, c.Args[1], c.Args[2])
}

func fchownat(c call) denial.Answer {
	p, errno := c.named(0, 1, c.Args[4])
	return c.chown(p, errno, c.Args[2], c.Args[3])
}

// times are two stamps of a kind that the call has, unit nanoseconds long; nil means now.
func (c call) times(arg int, unit int64) ([]unix.Timespec, unix.Errno) {
	if c.Args[arg] == 0 {
		return []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0
	}
	b := c.broker.memory.Bytes(c.Thread, c.Args[arg], 32)
	if len(b) < 32 {
		return nil, unix.EFAULT
	}
	out := make([]unix.Timespec, 2)
	for i := range out {
		sec, part := int64(binary.NativeEndian.Uint64(b[16*i:])), int64(binary.NativeEndian.Uint64(b[16*i+8:]))
		if unit != 1 && (part < 0 || part >= 1_000_000) {
			return nil, unix.EINVAL
		}
		out[i] = unix.Timespec{Sec: sec, Nsec: part * unit}
	}
	return out, 0
}

func (c call) utime(p place, errno unix.Errno, times []unix.Timespec) denial.Answer {
	return c.metadata(p, errno, func(o object) error { return unix.UtimesNanoAt(o.dir, o.name, times, o.flags()) })
}

func utime(c call) denial.Answer {
	times := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	if c.Args[1] != 0 {
		b := c.broker.memory.Bytes(c.Thread, c.Args[1], 16)
		if len(b) < 16 {
			return fails(unix.EFAULT)
		}
		times[0] = unix.Timespec{Sec: int64(binary.NativeEndian.Uint64(b))}
		times[1] = unix.Timespec{Sec: int64(binary.NativeEndian.Uint64(b[8:]))}
	}
	p, errno := c.at(-1, 0, follow)
	return c.utime(p, errno, times)
}

func utimes(c call) denial.Answer {
	times, errno := c.times(1, 1000)
	if errno != 0 {
		return fails(errno)
	}
	p, errno := c.at(-1, 0, follow)
	return c.utime(p, errno, times)
}

func futimesat(c call) denial.Answer {
	times, errno := c.times(2, 1000)
	if errno != 0 {
		return fails(errno)
	}
	if c.Args[1] == 0 {
		p, errno := c.held(c.fd(0))
		return c.utime(p, errno, times)
	}
	p, errno := c.at(0, 1, follow)
	return c.utime(p, errno, times)
}

func utimensat(c call) denial.Answer {
	times, errno := c.times(2, 1)
	if errno != 0 {
		return fails(errno)
	}
	if c.Args[1] == 0 {
		p, errno := c.held(c.fd(0))
		return c.utime(p, errno, times)
	}
	p, errno := c.named(0, 1, c.Args[3])
	return c.utime(p, errno, times)
}
