//go:build linux

package denial

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seccomp"
)

// Request is a stopped call that an Actor may answer.
type Request struct {
	// Thread made the call, in the PID namespace of the supervisor.
	Thread int
	// Number is the call; Name is that of its row, empty for a number without one.
	Number int32
	Name   string
	Args   [6]uint64
}

// Answer is what to tell the kernel. The zero value lets the call go on.
type Answer struct {
	// Done: the call ends with Errno, or with Value, or with a copy of FD, which is then closed here, when Give is set.
	Done        bool
	Errno       unix.Errno
	Value       int64
	Give        bool
	FD          int
	CloseOnExec bool
	// Later, when set, makes the answer in another goroutine; it may never return.
	Later func() Answer
	// Denial is set when the call was refused, without time and program.
	Denial *sandbox.Denial
}

// Actor carries out the calls of a command that nothing else decides about. Act is called from one goroutine; ok is false
// for calls that are none of its business.
type Actor interface {
	Act(r Request) (a Answer, ok bool)
}

// laterLimit is how many calls may wait at a time for an answer that comes later.
const laterLimit = 64

// later counts the answers on their way.
type later struct {
	mu      sync.Mutex
	waiting int
}

func (w *later) add(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting+n > laterLimit {
		return false
	}
	w.waiting += n
	return true
}

// remember tells the recorder what the actor may be about to change. What turns out to be as before is no change.
func (s *Supervisor) remember(n *notification, row seccomp.Call) {
	if s.options.Changes == nil || row.Class != seccomp.Watched || row.Access == "execute" {
		return
	}
	var targets [2]target
	for i, arg := range row.Paths {
		if t, ok := s.resolver.resolve(int(n.PID), arg, n.Data.Args); ok && s.plan.CheckWrite(t.path).Allowed {
			targets[i] = t
		}
	}
	s.note(row, targets, n)
}

// act asks the actor, and reports whether the call is settled.
func (s *Supervisor) act(l listener, n *notification, row seccomp.Call) bool {
	if s.options.Actor == nil {
		return false
	}
	s.remember(n, row)
	a, ok := s.options.Actor.Act(Request{Thread: int(n.PID), Number: n.Data.Number, Name: row.Name, Args: n.Data.Args})
	if !ok {
		return false
	}
	if a.Denial != nil {
		s.report(l, n, *a.Denial)
	}
	if a.Later == nil {
		l.settle(n.ID, a)
		return true
	}
	if !s.later.add(1) {
		_ = l.refuse(n.ID, unix.EMFILE)
		return true
	}
	id := n.ID
	go func() { // ends when the answer comes, or with the process: a named pipe may wait for ever
		defer s.later.add(-1)
		l.settle(id, a.Later())
	}()
	return true
}

// settle answers a call. An error means that the caller died; there is nobody to tell.
func (l listener) settle(id uint64, a Answer) {
	switch {
	case !a.Done:
		_ = l.proceed(id)
	case a.Give:
		defer func() { _ = unix.Close(a.FD) }()
		if err := l.give(id, a.FD, a.CloseOnExec); err != nil && !errors.Is(err, unix.ENOENT) {
			_ = l.refuse(id, number(err))
		}
	default:
		_ = l.respond(id, a.Value, a.Errno)
	}
}
