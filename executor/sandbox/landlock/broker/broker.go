//go:build linux

package broker

import (
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/memory"
	"proctor/policy/filesystem"
)

func proceed() denial.Answer           { return denial.Answer{} }
func fails(e unix.Errno) denial.Answer { return denial.Answer{Done: true, Errno: e} }
func result(err error) denial.Answer   { return fails(errnoOf(err)) }

// Broker answers the calls of one confined command. It implements denial.Actor.
type Broker struct {
	judge  judge
	began  time.Time
	tracer int
	memory memory.Reader
}

// New gives a broker for plan. began is when the command started; tracer is the thread that traces all its processes.
func New(plan filesystem.Plan, began time.Time, tracer int) *Broker {
	return &Broker{judge: judge{plan}, began: began, tracer: tracer}
}

// call is a request with what it takes to answer it.
type call struct {
	denial.Request
	broker *Broker
	walker walker
	umask  uint32
}

// Act answers a call. One that changes files behind Landlock's back and is not known here fails.
func (b *Broker) Act(r denial.Request) (a denial.Answer, ok bool) {
	if r.Name == "" {
		if a, ok := b.process(r); ok {
			return a, true
		}
		return fails(unix.EPERM), true
	}
	handle, known := handlers()[r.Name]
	if !known {
		return denial.Answer{}, false
	}
	process, umask, alive := status(r.Thread)
	if !alive {
		return fails(unix.ESRCH), true
	}
	a = handle(call{Request: r, broker: b, umask: umask, walker: walker{thread: r.Thread, process: process}})
	if !a.Done && a.Later == nil { // an open that changes nothing: whether it may read is the supervisor's and Landlock's
		return denial.Answer{}, false
	}
	return a, true
}

// refuse answers a call that the plan stands against.
func (c call) refuse(r refusal, full, access string) denial.Answer {
	a := fails(r.errno)
	a.Denial = &sandbox.Denial{Syscall: c.Name, Path: full[:min(len(full), memory.PathLimit)], Access: access, Rule: r.rule, Errno: r.errno}
	return a
}

func (c call) fd(n int) int32 { return int32(c.Args[n]) }

func (c call) text(n int) (string, unix.Errno) {
	return c.broker.memory.String(c.Thread, c.Args[n], memory.PathLimit)
}

// at locates the path in argument path, below the directory descriptor in argument dir, or the working directory for -1.
func (c call) at(dir, path int, last ending) (place, unix.Errno) {
	name, errno := c.text(path)
	if errno != 0 {
		return place{dir: -1, object: -1}, errno
	}
	fd := int32(unix.AT_FDCWD)
	if dir >= 0 {
		fd = c.fd(dir)
	}
	return c.walker.locate(fd, name, last)
}
