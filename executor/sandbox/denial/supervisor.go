package denial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// Limit is how many denials one supervisor reports; the rest is counted.
const Limit = 256

// Options says what a supervisor judges by and whom it tells.
type Options struct {
	Plan filesystem.Plan
	// Calls is seccomp.ByNumber of the plan's network mode.
	Calls map[int32][]seccomp.Call
	// Setup: calls before prctl(PR_SET_SECCOMP) are the launcher's own.
	Setup bool
	// OnCommand is told, once and before the command runs, which thread made that call. May be nil.
	OnCommand func(thread int)
	// OnDenial receives the reports. May be nil.
	OnDenial func(sandbox.Denial)
	// Now is the clock of the reports; nil means time.Now.
	Now func() time.Time
}

// Supervisor answers the stopped calls of one process tree.
type Supervisor struct {
	options  Options
	listener *os.File
	stopRead *os.File
	stop     *os.File
	calls    map[int32][]seccomp.Call
	resolver resolver
	// setup and the counts belong to the goroutine in Run.
	setup             bool
	reported, dropped int
}

// New takes over the listener. Run must be called, and closes it.
func New(l *os.File, o Options) (*Supervisor, error) {
	if len(o.Calls) == 0 {
		return nil, errors.New("supervise: no calls given")
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Supervisor{options: o, listener: l, stopRead: read, stop: write, calls: o.Calls, setup: o.Setup, resolver: resolver{root: -1}}, nil
}

// Stop makes Run return. Calls that are stopped then, or later, fail with ENOSYS. Call it once.
func (s *Supervisor) Stop() { _ = s.stop.Close() }

// Counts are the denials reported and those dropped above Limit. Valid after Run.
func (s *Supervisor) Counts() (reported, dropped int) { return s.reported, s.dropped }

// Run answers calls until Stop, or until every process under the filter is gone.
func (s *Supervisor) Run() {
	defer s.listener.Close()
	defer s.stopRead.Close()
	defer s.resolver.close()
	l := listener(s.listener.Fd())
	l.wakeTogether()
	fds := []unix.PollFd{{Fd: int32(l), Events: unix.POLLIN}, {Fd: int32(s.stopRead.Fd()), Events: unix.POLLIN}}
	var n notification
	for {
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents&unix.POLLIN != 0 {
			if l.receive(&n) == nil {
				s.answer(l, &n)
			}
			continue
		}
		if fds[0].Revents != 0 || fds[1].Revents != 0 {
			return
		}
	}
}

// answer settles one call. An error in answering means that the caller died; there is nobody to tell.
func (s *Supervisor) answer(l listener, n *notification) {
	rows, known := s.calls[n.Data.Number]
	switch {
	case s.setup:
		if !known { // the prctl that Notify adds
			s.setup = false
			if s.options.OnCommand != nil {
				s.options.OnCommand(int(n.PID))
			}
		}
		_ = l.proceed(n.ID)
	case !known && s.options.Setup: // the same call by the second of the launcher's processes, or by the command
		_ = l.proceed(n.ID)
	case !known || rows[0].Class != seccomp.Watched:
		if known {
			s.reportRefused(l, n, rows[0])
		}
		_ = l.refuse(n.ID)
	default:
		s.reportWatched(l, n, rows[0])
		_ = l.proceed(n.ID)
	}
}

func (s *Supervisor) reportRefused(l listener, n *notification, row seccomp.Call) {
	d := sandbox.Denial{Syscall: row.Name, Access: row.Access, Rule: RulePrivilegedCall, Errno: unix.EPERM}
	switch row.Scope {
	case seccomp.NetworkOff:
		d.Rule = RuleNetworkOff
	case seccomp.NetworkOn:
		d.Rule = RuleNetworkFamily
	case seccomp.Always: // a privileged call
	}
	switch {
	case row.Addr > 0:
		length := min(n.Data.Args[row.Addr+1], addressLimit)
		raw := readMemory(int(n.PID), n.Data.Args[row.Addr], int(length))
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
	full, ok := absolute(pid, unix.AT_FDCWD, name)
	if !ok {
		return false
	}
	t, ok := s.resolver.lookup(pid, full, false)
	return !private(full) && (!ok || !t.exists)
}

func (s *Supervisor) reportWatched(l listener, n *notification, row seccomp.Call) {
	for i, arg := range row.Paths {
		t, ok := s.resolver.resolve(int(n.PID), arg, n.Data.Args)
		if !ok {
			continue
		}
		if row.Access == "link" && i == 0 && !t.exists {
			return // ENOENT
		}
		f, refused := classify(s.options.Plan, attempt{access: row.Access, target: t, flags: openFlags(n, row.Name)})
		if !refused {
			continue
		}
		s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: f.access, Path: t.path, Rule: f.rule, Errno: f.errno})
		return // one call, one denial
	}
}

func (s *Supervisor) report(l listener, n *notification, d sandbox.Denial) {
	if s.reported >= Limit {
		s.dropped++
		return
	}
	d.At = s.options.Now()
	d.PID = process(int(n.PID))
	d.Program = program(int(n.PID))
	d.Path = d.Path[:min(len(d.Path), pathLimit)]
	if !l.valid(n.ID) {
		return
	}
	s.reported++
	if s.options.OnDenial != nil {
		s.options.OnDenial(d)
	}
}

// openFlags are the flags of an open call. openat2 keeps them in memory; unreadable ones count as writing.
func openFlags(n *notification, name string) uint64 {
	switch name {
	case "open":
		return n.Data.Args[1]
	case "openat":
		return n.Data.Args[2]
	case "openat2":
		if b := readMemory(int(n.PID), n.Data.Args[2], 8); len(b) == 8 {
			return binary.NativeEndian.Uint64(b)
		}
		return unix.O_WRONLY
	case "creat":
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
