//go:build linux

package broker

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
)

func open(c call) denial.Answer   { return c.open(-1, 0, c.Args[1], uint32(c.Args[2])) }
func openat(c call) denial.Answer { return c.open(0, 1, c.Args[2], uint32(c.Args[3])) }
func creat(c call) denial.Answer {
	return c.open(-1, 0, unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, uint32(c.Args[1]))
}

func (c call) open(dir, path int, flags uint64, perm uint32) denial.Answer {
	last := follow
	if flags&unix.O_NOFOLLOW != 0 || flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL {
		last = stay
	}
	p, errno := c.at(dir, path, last)
	if errno != 0 {
		return fails(errno)
	}
	defer p.close()
	if p.nameless {
		return proceed() // pipes and sockets of the caller: nothing that Landlock guards
	}
	access, do := opening{flags: flags, exists: p.exists, kind: p.kind()}.wants()
	if do == leaveIt {
		return proceed()
	}
	r := c.broker.judge.change(p.full)
	if !p.exists && !r.yes() {
		r = c.broker.judge.entry(p.full)
	}
	switch {
	case r.yes() && do == wait:
		return c.refuse(refusal{RuleHostFIFO, unix.EACCES}, p.full, access)
	case r.yes():
		return c.refuse(r, p.full, access)
	case do == unsupported:
		return fails(unix.EOPNOTSUPP)
	case do == wait:
		return c.openPipe(p, flags)
	}
	if !p.exists {
		if r := mode(perm, false); r.yes() {
			return c.refuse(r, p.full, access)
		}
	}
	fd, err := c.reopen(p, flags|unix.O_NOCTTY, perm&0o7777&^c.umask)
	return opened(fd, err, flags)
}

func opened(fd int, err error, flags uint64) denial.Answer {
	if err != nil {
		return fails(errnoOf(err))
	}
	return denial.Answer{Done: true, Give: true, FD: fd, CloseOnExec: flags&unix.O_CLOEXEC != 0}
}

// reopen opens what p stands for. The last name is not followed: the walk did that.
func (c call) reopen(p place, flags uint64, perm uint32) (int, error) {
	if p.object >= 0 {
		return unix.Open(self(p.object), int(flags&^(unix.O_CREAT|unix.O_EXCL))|unix.O_CLOEXEC, 0)
	}
	if p.self {
		return -1, unix.EISDIR
	}
	name := p.base
	if p.slash {
		name += "/"
	}
	return unix.Openat(p.dir, name, int(flags)|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
}

// slack is how far the clock of a file system may be behind ours.
const slack = 10 * time.Millisecond

// openPipe opens a named pipe that the command made itself: one that was there before may have somebody outside at its
// other end.
func (c call) openPipe(p place, flags uint64) denial.Answer {
	fd, errno := p.open()
	if errno != 0 {
		return fails(errno)
	}
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &st)
	born := time.Unix(st.Btime.Sec, int64(st.Btime.Nsec))
	if err != nil || st.Mask&unix.STATX_BTIME == 0 || born.Before(c.broker.began.Add(-slack)) {
		closeFD(fd)
		return c.refuse(refusal{RuleHostFIFO, unix.EACCES}, p.full, "write")
	}
	return denial.Answer{Later: func() denial.Answer {
		defer closeFD(fd)
		got, err := unix.Open(self(fd), int(flags&^(unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW))|unix.O_CLOEXEC, 0)
		return opened(got, err, flags)
	}}
}

// open gives a new O_PATH descriptor of the thing itself.
func (p *place) open() (int, unix.Errno) {
	if p.object >= 0 {
		fd, err := unix.FcntlInt(uintptr(p.object), unix.F_DUPFD_CLOEXEC, 0)
		return fd, errnoOf(err)
	}
	name := p.base
	if p.self {
		name = "."
	}
	fd, err := unix.Openat(p.dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	return fd, errnoOf(err)
}

// self is a path to one of our descriptors, which the kernel follows to the very object.
func self(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func truncate(c call) denial.Answer {
	p, errno := c.at(-1, 0, follow)
	if errno != 0 {
		return fails(errno)
	}
	defer p.close()
	switch {
	case !p.exists:
		return fails(unix.ENOENT)
	case p.kind() == unix.S_IFDIR:
		return fails(unix.EISDIR)
	case p.nameless, p.kind() != unix.S_IFREG:
		return fails(unix.EINVAL)
	}
	if r := c.broker.judge.change(p.full); r.yes() {
		return c.refuse(r, p.full, "write")
	}
	fd, err := c.reopen(p, unix.O_WRONLY, 0)
	if err != nil {
		return fails(errnoOf(err))
	}
	defer closeFD(fd)
	return result(unix.Ftruncate(fd, int64(c.Args[1])))
}
