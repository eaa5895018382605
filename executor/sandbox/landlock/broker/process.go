//go:build linux

package broker

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/denial"
)

// ProcessCall is a call on another process, all of whose arguments are in registers.
type ProcessCall struct {
	Name   string
	Number uint32
	// Refuse: where nobody looks, the call fails. The others act on the caller itself in nearly all programs, and where
	// nobody looks Landlock's signal scope is what keeps them inside.
	Refuse bool
	target target
}

// target says which argument names whom. which, when not -1, is the argument that says what who means.
type target struct{ which, who int }

const (
	idIsProcess = 0 // PRIO_PROCESS, and IOPRIO_WHO_PROCESS less one
	idIsGroup   = 1
)

// ProcessCalls are the calls on other processes that a Broker answers; they are in no table of seccomp.
func ProcessCalls() []ProcessCall {
	one := target{-1, 0}
	return []ProcessCall{
		{Name: "kill", Number: unix.SYS_KILL, target: one},
		{Name: "tkill", Number: unix.SYS_TKILL, target: one},
		{Name: "tgkill", Number: unix.SYS_TGKILL, target: one},
		{Name: "rt_sigqueueinfo", Number: unix.SYS_RT_SIGQUEUEINFO, target: one},
		{Name: "rt_tgsigqueueinfo", Number: unix.SYS_RT_TGSIGQUEUEINFO, target: one},
		{Name: "pidfd_send_signal", Number: unix.SYS_PIDFD_SEND_SIGNAL, target: one},
		{Name: "setpriority", Number: unix.SYS_SETPRIORITY, Refuse: true, target: target{0, 1}},
		{Name: "ioprio_set", Number: unix.SYS_IOPRIO_SET, Refuse: true, target: target{0, 1}},
		{Name: "sched_setaffinity", Number: unix.SYS_SCHED_SETAFFINITY, target: one},
		{Name: "sched_setscheduler", Number: unix.SYS_SCHED_SETSCHEDULER, Refuse: true, target: one},
		{Name: "sched_setparam", Number: unix.SYS_SCHED_SETPARAM, Refuse: true, target: one},
		{Name: "sched_setattr", Number: unix.SYS_SCHED_SETATTR, Refuse: true, target: one},
		{Name: "prlimit64", Number: unix.SYS_PRLIMIT64, target: one},
	}
}

// process answers a call on another process: one that is traced by our tracer, and so belongs to the command, is the
// command's to signal. ok is false for other calls.
func (b *Broker) process(r denial.Request) (a denial.Answer, ok bool) {
	for _, c := range ProcessCalls() {
		if c.Number == uint32(r.Number) {
			return c.answer(r.Thread, b.tracer, r.Args), true
		}
	}
	return denial.Answer{}, false
}

func (p ProcessCall) answer(thread, tracer int, args [6]uint64) denial.Answer {
	who, group := int(int32(args[p.target.who])), false
	switch p.Name {
	case "pidfd_send_signal":
		who = pidOf(thread, who)
	case "kill":
		group = who < 0
	case "prlimit64":
		if args[2] == 0 { // only asks
			return proceed()
		}
	case "setpriority":
		group = args[0] != idIsProcess
	case "ioprio_set":
		group = args[0] != idIsProcess+1
	}
	switch {
	case who == 0: // the caller, or its own group, which lies in the session of the command
		return proceed()
	case !group && traced(who, tracer):
		return proceed()
	case p.Name == "kill" && who < -1 && groupTraced(-who, tracer):
		return proceed()
	}
	a := fails(unix.EPERM)
	if !group && !alive(who) {
		return fails(unix.ESRCH)
	}
	a.Denial = &sandbox.Denial{Syscall: p.Name, Access: "signal", Rule: RuleOtherProcess, Errno: unix.EPERM, Address: "pid " + strconv.Itoa(who)}
	return a
}

func alive(pid int) bool { return pid > 0 && unix.Kill(pid, 0) != unix.ESRCH }

// traced reports whether a thread of tracer's process traces pid.
func traced(pid, tracer int) bool {
	return pid > 0 && field("/proc/"+strconv.Itoa(pid)+"/status", "TracerPid") == tracer
}

// groupTraced reports whether every process of a group is traced, and there is one.
func groupTraced(group, tracer int) bool {
	list, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return false
	}
	found := false
	for _, file := range list {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp; the name may hold anything.
		_, rest, _ := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 3 || fields[2] != strconv.Itoa(group) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || !traced(pid, tracer) {
			return false
		}
		found = true
	}
	return found
}

// pidOf is the process that a descriptor of a thread stands for, or -1.
func pidOf(thread, fd int) int {
	return field("/proc/"+strconv.Itoa(thread)+"/fdinfo/"+strconv.Itoa(fd), "Pid")
}

func field(file, key string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && k == key {
			if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
				return n
			}
		}
	}
	return -1
}
