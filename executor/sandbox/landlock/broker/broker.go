//go:build linux

package broker

import (
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// Request is one stopped call.
type Request struct {
	Thread int
	Row    seccomp.Call // what the call is
	Args   [6]uint64
}

// Answer is what to tell the kernel. The zero value refuses nothing and continues the call.
type Answer struct {
	// Done: the call is answered with Errno, or Value, or a copy of FD, which is closed afterwards when it is not -1.
	Done        bool
	Errno       unix.Errno
	Value       int64
	FD          int
	CloseOnExec bool
	// Later, when set, gives the answer some time; it may be called in another goroutine.
	Later func() Answer
	// Denial is set when the plan refused the call.
	Denial *sandbox.Denial
}

func proceed() Answer           { return Answer{FD: -1} }
func fails(e unix.Errno) Answer { return Answer{Done: true, Errno: e, FD: -1} }
func returns(v int64) Answer    { return Answer{Done: true, Value: v, FD: -1} }
func result(err error) Answer   { return Answer{Done: true, Errno: errnoOf(err), FD: -1} }

// Broker answers the calls of one confined command. Serve is called from one goroutine at a time.
type Broker struct {
	judge judge
	began time.Time
}

// New gives a broker for plan. began is when the command started.
func New(plan filesystem.Plan, began time.Time) *Broker {
	return &Broker{judge: judge{plan}, began: began}
}

// call is a request with what it takes to answer it.
type call struct {
	Request
	broker *Broker
	walker walker
	umask  uint32
}

// Calls are the names of the calls that Serve carries out.
func Calls() []string {
	var out []string
	for name := range handlers() {
		out = append(out, name)
	}
	return out
}

// Serve answers a call. ok is false for calls that are none of Calls: the caller decides about them.
func (b *Broker) Serve(r Request) (a Answer, ok bool) {
	handle, known := handlers()[r.Row.Name]
	if !known {
		return Answer{}, false
	}
	process, umask, alive := status(r.Thread)
	if !alive {
		return fails(unix.ESRCH), true
	}
	c := call{Request: r, broker: b, umask: umask, walker: walker{thread: r.Thread, process: process}}
	return handle(c), true
}

// refuse answers a call that the plan stands against.
func (c call) refuse(r refusal, full, access string) Answer {
	a := fails(r.errno)
	a.Denial = &sandbox.Denial{Syscall: c.Row.Name, Path: full[:min(len(full), pathLimit)], Access: access, Rule: r.rule, Errno: r.errno}
	return a
}

func (c call) fd(n int) int32 { return int32(c.Args[n]) }

func (c call) text(n int) (string, unix.Errno) { return readString(c.Thread, c.Args[n], pathLimit) }

// at locates the path in argument path, below the directory descriptor in argument dir, or the working directory for -1.
func (c call) at(dir, path int, follow bool) (place, unix.Errno) {
	name, errno := c.text(path)
	if errno != 0 {
		return place{dir: -1, object: -1}, errno
	}
	fd := int32(unix.AT_FDCWD)
	if dir >= 0 {
		fd = c.fd(dir)
	}
	return c.walker.locate(fd, name, follow)
}
