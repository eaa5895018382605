//go:build linux

package denial

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seccomp"
)

// memoryNameLimit is the kernel's own, in bytes.
const memoryNameLimit = 249

// seal makes the memory file that a call asks for and hands it over: without execute permission, and sealed so that it
// cannot get any. A non-zero result is the error to answer; 0 means that the call was answered.
// The name is read from memory and only shown; the flags are in a register.
func (s *Supervisor) seal(l listener, n *notification) unix.Errno {
	name, errno := s.resolver.reader.String(int(n.PID), n.Data.Args[0], memoryNameLimit+1)
	switch errno {
	case 0:
	case unix.ENAMETOOLONG:
		return unix.EINVAL
	default:
		return errno
	}
	flags := int(uint32(n.Data.Args[1]))
	fd, err := unix.MemfdCreate(name, flags&^unix.MFD_EXEC|unix.MFD_NOEXEC_SEAL|unix.MFD_CLOEXEC)
	if errors.Is(err, unix.EINVAL) && flags&^(unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING) == 0 {
		return unix.ENOSYS // before Linux 6.3
	}
	if err != nil {
		return number(err)
	}
	defer unix.Close(fd)
	if err := l.give(n.ID, fd, flags&unix.MFD_CLOEXEC != 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return unix.ENOSYS
	}
	return 0
}

func number(err error) unix.Errno {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return unix.ENOMEM
}

// limit refuses a request for memory above the limit of one request. From then on the process is held to that much
// in all: C libraries try again by other ways.
func (s *Supervisor) limit(l listener, n *notification, row seccomp.Call) unix.Errno {
	size := n.Data.Args[1]
	if row.Name == "mremap" {
		size = n.Data.Args[2]
	}
	allowed := s.options.Limits.Allocation
	if allowed <= 0 || size < uint64(allowed) {
		return 0
	}
	s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: row.Access, Address: fmt.Sprintf("%d bytes", size), Rule: row.Rule, Errno: unix.ENOMEM})
	if used, ok := status(int(n.PID), "VmData:"); ok && l.valid(n.ID) && len(used) > 0 {
		var old unix.Rlimit
		if unix.Prlimit(int(n.PID), unix.RLIMIT_DATA, nil, &old) == nil {
			old.Cur = min(old.Cur, used[0]<<10+uint64(allowed)-1)
			_ = unix.Prlimit(int(n.PID), unix.RLIMIT_DATA, &old, nil)
		}
	}
	return unix.ENOMEM
}

// memoryFile is the name of the memory file behind a descriptor.
func memoryFile(pid int, fd int32) (string, bool) {
	p, err := os.Readlink(procPath(pid, "fd/"+strconv.Itoa(int(fd))))
	name, ok := strings.CutPrefix(strings.TrimSuffix(p, " (deleted)"), "/")
	return name, err == nil && ok && strings.HasPrefix(name, "memfd:")
}

// foreignOwner reports whether giving a file to user and group (-1 keeps) needs a capability.
func foreignOwner(pid int, user, group uint64) bool {
	const keep = ^uint32(0)
	if u := uint32(user); u != keep {
		if own, ok := status(pid, "Uid:"); ok && len(own) > 0 && uint64(u) != own[0] {
			return true
		}
	}
	g := uint32(group)
	if g == keep {
		return false
	}
	own, ok := status(pid, "Gid:")
	more, _ := status(pid, "Groups:")
	return ok && !slices.Contains(append(own, more...), uint64(g))
}

// status reads the numbers of one line of /proc/PID/status.
func status(pid int, key string) ([]uint64, bool) {
	b, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(b)) {
		rest, ok := strings.CutPrefix(line, key)
		if !ok {
			continue
		}
		var out []uint64
		for _, word := range strings.Fields(rest) {
			if n, err := strconv.ParseUint(word, 10, 64); err == nil {
				out = append(out, n)
			}
		}
		return out, true
	}
	return nil, false
}
