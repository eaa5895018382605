//go:build linux

package denial

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/change"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// Options says what a supervisor judges by and whom it tells.
type Options struct {
	Plan filesystem.Plan
	// Calls is seccomp.ByNumber of the plan's mode.
	Calls map[int32][]seccomp.Call
	// Setup: calls before prctl(PR_SET_SECCOMP) are the launcher's own.
	Setup bool
	// OnCommand is told, before the call is answered, each thread that makes that call: bubblewrap's init and the command
	// first, in either order, then whatever the command does. May be nil.
	OnCommand func(thread int)
	Limits    sandbox.Limits
	// Actor answers watched and unknown calls instead of the kernel. May be nil.
	Actor Actor
	// Connect, when set, carries out connects of TCP sockets to addresses that the command's network namespace does not have,
	// and of all sockets to port 53, and returns what the call ends with. It is called from goroutines of its own and may
	// wait; Run returns after the last.
	Connect func(Connecting) unix.Errno
	// Changes is told of allowed changes to files. May be nil.
	Changes *change.Recorder
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
	resolver *resolver
	began    time.Time
	plan     filesystem.Plan // without patterns, which are in globs
	globs    filesystem.GlobSet
	// reads: calls that only read are watched as well.
	reads bool
	// setup and the tally belong to the goroutine in Run.
	setup bool
	tally tally
	later later
	// carrying are the calls of Options.Connect.
	carrying sync.WaitGroup
}

// New takes over the listener. Run must be called, and closes it.
func New(l *os.File, o Options) (*Supervisor, error) {
	if len(o.Calls) == 0 {
		return nil, errors.New("supervise: no calls given")
	}
	globs, err := o.Plan.Globs()
	if err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	plan := o.Plan
	plan.DeniedGlobs = nil
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Supervisor{options: o, listener: l, stopRead: read, stop: write, calls: o.Calls, setup: o.Setup, resolver: newResolver(plan), began: o.Now(),
		plan: plan, globs: globs, reads: seccomp.ModeOf(o.Plan).Reads,
		tally: tally{limit: Limit}}, nil
}

// Stop makes Run return. Calls that are stopped then, or later, fail with ENOSYS. Call it once.
func (s *Supervisor) Stop() { _ = s.stop.Close() }

// Counts are the refused calls reported and those dropped above Limit. Valid after Run.
func (s *Supervisor) Counts() (reported, dropped int) { return s.tally.reported, s.tally.dropped }

// Run answers calls until Stop, or until every process under the filter is gone.
func (s *Supervisor) Run() {
	defer s.listener.Close()
	defer s.stopRead.Close()
	defer s.carrying.Wait()
	defer s.resolver.close()
	defer func() { s.deliver(s.tally.rest()) }()
	l := listener(s.listener.Fd())
	l.wakeTogether()
	fds := []unix.PollFd{{Fd: int32(l), Events: unix.POLLIN}, {Fd: int32(s.stopRead.Fd()), Events: unix.POLLIN}}
	var n notification
	for {
		got, err := unix.Poll(fds, s.wait())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if got <= 0 {
			s.deliver(s.tally.due(s.options.Now()))
			continue
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
	switch errno, settled := s.decide(l, n); {
	case settled:
	case errno != 0:
		_ = l.refuse(n.ID, errno)
	default:
		_ = l.proceed(n.ID)
	}
}

// decide is the error that a call gets, or 0 when it may go on, unless it was settled already.
func (s *Supervisor) decide(l listener, n *notification) (errno unix.Errno, settled bool) {
	rows, known := s.calls[n.Data.Number]
	if s.options.Setup && !known && n.Data.Number == seccomp.SetupNumber { // by either of the launcher's processes, or by the command
		s.setup = false
		if s.options.OnCommand != nil {
			s.options.OnCommand(int(n.PID))
		}
		return 0, false
	}
	if s.setup {
		return 0, false
	}
	row := match(rows, n.Data.Args)
	if (row.Class == seccomp.Watched || row.Class == seccomp.Dated || !known) && s.act(l, n, row) {
		return 0, true
	}
	switch row.Class {
	case seccomp.Watched:
		if s.carry(l, n, row) {
			return 0, true
		}
		return s.look(l, n, row), false
	case seccomp.Dated:
		s.look(l, n, row)
		return unix.ENOSYS, false
	case seccomp.Limited:
		return s.limit(l, n, row), false
	case seccomp.Sealed:
		errno = s.seal(l, n)
		return errno, errno == 0
	default:
		s.reportRefused(l, n, row)
		return unix.EPERM, false
	}
}

// match is the row that made the filter stop a call. Without one the zero row is refused.
func match(rows []seccomp.Call, args [6]uint64) seccomp.Call {
	for i := range rows {
		if rows[i].Match(args) {
			return rows[i]
		}
	}
	return seccomp.Call{}
}
