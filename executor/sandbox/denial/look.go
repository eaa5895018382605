//go:build linux

package denial

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/memory"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// RuleHostFIFO refuses to write into a named pipe that somebody outside may read.
const RuleHostFIFO = "host_fifo"

// look reports a watched call when the plan or the kernel is going to refuse it. What it returns is
// 0, or the error that a call gets which nothing but this supervisor refuses.
func (s *Supervisor) look(l listener, n *notification, row seccomp.Call) unix.Errno {
	pid := int(n.PID)
	if row.Access == "execute" {
		if name, ok := memoryFile(pid, int32(n.Data.Args[0])); ok {
			s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: row.Access, Path: name, Rule: seccomp.RuleMemoryProgram, Errno: unix.EACCES})
		}
		return 0 // a sealed file is not executable: the kernel refuses
	}
	if row.Addr > 0 {
		s.lookAddress(l, n, row)
		return 0
	}
	var targets [2]target
	for i, arg := range row.Paths {
		t, ok := s.resolver.resolve(pid, arg, n.Data.Args)
		if !ok {
			continue
		}
		targets[i] = t
		if t.changesNames(row) {
			defer s.resolver.parents.forget()
		}
		if i == 0 && (row.Access == "link" && !t.exists || row.Access == "rename" && t.beyond) {
			return 0 // ENOENT
		}
		a := attempt{access: row.Access, target: t, flags: s.openFlags(n, row)}
		if a.access == "write" && a.flags&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC) == 0 {
			a.access = "read" // openat2, which is stopped whatever it wants
		}
		if s.hostFIFO(a) {
			s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: row.Access, Path: t.path, Rule: RuleHostFIFO, Errno: unix.EACCES})
			return unix.EACCES
		}
		if s.reads && s.deniedName(a) {
			s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: a.access, Path: t.path, Rule: string(filesystem.ReasonDeniedRead), Errno: unix.EACCES})
			return unix.EACCES
		}
		if a.access == "read" {
			continue
		}
		if t.free && row.Owner == 0 {
			continue
		}
		f, refused := classify(s.plan, a)
		if !refused && row.Owner > 0 && t.exists && foreignOwner(pid, n.Data.Args[row.Owner], n.Data.Args[row.Owner+1]) {
			f, refused = finding{rule: seccomp.RulePrivilegedCall, access: row.Access, errno: unix.EPERM}, true
		}
		if refused {
			s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: f.access, Path: t.path, Rule: f.rule, Errno: f.errno})
			return 0 // one call, one denial
		}
	}
	s.note(row, targets, n)
	return 0
}

// note tells the recorder what an allowed call is about to change.
func (s *Supervisor) note(row seccomp.Call, targets [2]target, n *notification) {
	r, last := s.options.Changes, targets[max(0, len(row.Paths)-1)]
	if r == nil || last.path == "" {
		return
	}
	switch row.Access {
	case "rename":
		if targets[0].path != "" {
			r.Rename(targets[0].path, last.path, targets[0].state, last.state)
		}
		if flags := n.Data.Args[4]; row.Name == "renameat2" && flags&unix.RENAME_EXCHANGE != 0 {
			r.Note(targets[0].path, targets[0].state)
		}
	case "remove":
		if last.exists && row.Name != "rmdir" {
			r.Note(last.path, last.state)
		}
	case "link", "create":
		if row.Name != "mkdir" && row.Name != "mkdirat" {
			r.Note(last.path, last.state)
		}
	case "write":
		if _, matters := openAccess(attempt{access: row.Access, target: last, flags: s.openFlags(n, row)}); matters {
			r.Note(last.path, last.state)
		}
	}
}

// deniedName reports whether the plan denies reading what a names: by a mount for what was there at the start, and for what
// got its name later by nothing but the answer of this supervisor.
func (s *Supervisor) deniedName(a attempt) bool {
	if a.access == "read" && !a.target.exists {
		return false
	}
	v := s.plan.CheckRead(a.target.path)
	if v.Reason == filesystem.ReasonDeniedRead {
		return true
	}
	pattern, depth := s.globs.Covers(a.target.path)
	return pattern != "" && depth >= filesystem.Depth(v.Rule)
}

// slack is how far the clock of a file system may be behind ours.
const slack = 10 * time.Millisecond

// hostFIFO reports whether a is an open for writing of a named pipe that was there before the command, or lies where the
// command could not have made it. Mounts do not keep anybody from writing into a pipe.
func (s *Supervisor) hostFIFO(a attempt) bool {
	if a.access != "write" || !a.target.exists || a.target.mode&unix.S_IFMT != unix.S_IFIFO || a.flags&unix.O_ACCMODE == unix.O_RDONLY {
		return false
	}
	return a.target.born.Before(s.began.Add(-slack)) || !s.plan.CheckWrite(a.target.path).Allowed
}

func (s *Supervisor) reportRefused(l listener, n *notification, row seccomp.Call) {
	d := sandbox.Denial{Syscall: row.Name, Access: row.Access, Rule: row.Rule, Errno: unix.EPERM}
	switch {
	case row.Addr > 0:
		length := min(n.Data.Args[row.Addr+1], addressLimit)
		raw := s.resolver.reader.Bytes(int(n.PID), n.Data.Args[row.Addr], int(length))
		d.Address = address(raw)
		if row.Access == "connect" && isUnix(raw) && s.nobodyAt(int(n.PID), d.Address) {
			return // ENOENT but for us, as the C library's question to a name service daemon that is not there
		}
	case row.Access == "socket":
		d.Address = family(n.Data.Args[0])
	case len(row.Paths) > 0:
		if t, ok := s.resolver.resolve(int(n.PID), row.Paths[0], n.Data.Args); ok {
			d.Path = t.path
		}
	}
	s.report(l, n, d)
}

// nobodyAt reports whether a Unix socket path names nothing.
func (s *Supervisor) nobodyAt(pid int, name string) bool {
	if name == "" || name[0] == '@' {
		return false
	}
	full, ok := s.resolver.absolute(pid, unix.AT_FDCWD, name)
	if !ok {
		return false
	}
	t, ok := s.resolver.lookup(pid, full, false)
	return !private(full) && (!ok || !t.exists)
}

// report counts a denial, unless the caller is gone, so that what was read may belong to another process.
func (s *Supervisor) report(l listener, n *notification, d sandbox.Denial) {
	d.At = s.options.Now()
	d.PID = process(int(n.PID))
	d.Program = program(int(n.PID))
	d.Path = d.Path[:min(len(d.Path), memory.PathLimit)]
	d.Count = 1
	if l.valid(n.ID) {
		s.tally.add(d)
	}
}

func (s *Supervisor) deliver(list []sandbox.Denial) {
	if s.options.OnDenial == nil {
		return
	}
	for _, d := range list {
		s.options.OnDenial(d)
	}
}

// wait is how long to wait for the next call, in milliseconds; -1 is for ever.
func (s *Supervisor) wait() int {
	due, some := s.tally.next()
	if !some {
		return -1
	}
	return max(0, int(due.Sub(s.options.Now()).Milliseconds())+1)
}

// openFlags are the flags of an open call. openat2 keeps them in memory; unreadable ones count as writing.
func (s *Supervisor) openFlags(n *notification, row seccomp.Call) uint64 {
	switch {
	case row.Flags > 0:
		return n.Data.Args[row.Flags]
	case row.Class == seccomp.Dated:
		if b := s.resolver.reader.Bytes(int(n.PID), n.Data.Args[2], 8); len(b) == 8 {
			return binary.NativeEndian.Uint64(b)
		}
		return unix.O_WRONLY
	case row.Name == "creat":
		return unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC
	default:
		return unix.O_WRONLY
	}
}

func family(n uint64) string {
	names := map[int32]string{unix.AF_UNIX: "unix", unix.AF_INET: "inet", unix.AF_INET6: "inet6", unix.AF_NETLINK: "netlink",
		unix.AF_PACKET: "packet", unix.AF_VSOCK: "vsock", unix.AF_ALG: "alg", unix.AF_BLUETOOTH: "bluetooth"}
	if name, ok := names[int32(n)]; ok {
		return name
	}
	return fmt.Sprintf("family-%d", int32(n))
}
