//go:build linux

package landlock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/change"
	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/landlock/broker"
	"proctor/executor/sandbox/seccomp"
)

// A helper's main goroutine stays on the main thread: what is done to the thread is done to the process.
func init() {
	if helper() {
		runtime.LockOSThread()
	}
}

func helper() bool {
	return len(os.Args) == 1 && slices.Contains([]string{superviseArg0, droppedArg0, enterArg0}, os.Args[0])
}

// Main turns this process into a helper when it was started as one, and then does not return.
// The binary's main and TestMain call it first, before anything else.
func Main() {
	if !helper() {
		return
	}
	unix.CloseOnExec(fdJob)
	unix.CloseOnExec(fdControl)
	if os.Args[0] == enterArg0 {
		os.Exit(enter(control{fdControl}))
	}
	os.Exit(supervise(control{fdControl}))
}

// supervise starts the command, holds it and answers its calls until it ends.
func supervise(up control) int {
	s := &supervisor{up: up}
	if err := s.start(); err != nil {
		_ = up.send(report{Error: err.Error()}, -1)
		return setupFailed
	}
	if err := up.send(report{Started: true}, -1); err != nil {
		return setupFailed
	}
	var obeying sync.WaitGroup
	obeying.Go(s.obey) // ends with the process
	status := unix.WaitStatus(0)
	// What was killed cannot be waited for without end: a process in an uninterruptible call dies with its call.
	limit := time.Duration(1<<63 - 1)
	deadline := time.AfterFunc(limit, func() { os.Exit(128 + int(unix.SIGKILL)) })
	ended := func(ws unix.WaitStatus) { status = ws; deadline.Reset(killLimit) }
	if s.early != nil {
		ended(*s.early)
		s.tracer.end()
	}
	s.tracer.follow(s.leader, ended)
	s.watching.Wait() // the last process is gone, and so is the listener
	end := report{Ended: true, Status: uint32(status)}
	if s.changes != nil {
		changes, omitted := s.changes.Settle()
		for _, c := range changes {
			_ = up.send(report{Change: &c}, -1)
		}
		end.Omitted = omitted
	}
	if s.watcher != nil {
		end.Reported, end.Dropped = s.watcher.Counts()
	}
	_ = up.send(end, -1)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// killLimit is how long the supervisor waits for what it killed.
const killLimit = 5 * time.Second

type supervisor struct {
	up     control
	job    job
	leader int
	early  *unix.WaitStatus // how the command ended, if that was seen before its start
	tracer tracer

	watching sync.WaitGroup
	watcher  *denial.Supervisor // nil when nobody watches
	changes  *change.Recorder   // nil when nobody asks; of the watcher until it is done
}

// start does all that must be done before the command runs, and lets it run.
func (s *supervisor) start() error {
	for _, step := range []struct {
		what      string
		call, arg int
	}{{"die with parent", unix.PR_SET_PDEATHSIG, int(unix.SIGKILL)}, {"adopt orphans", unix.PR_SET_CHILD_SUBREAPER, 1}} {
		if err := unix.Prctl(step.call, uintptr(step.arg), 0, 0, 0); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if err := dropPrivileges(); err != nil {
		return err
	}
	jobFile := os.NewFile(fdJob, "sandbox job")
	j, err := readJob(jobFile)
	if err != nil {
		return err
	}
	s.job = j
	if _, err := jobFile.Seek(0, 0); err != nil {
		return err
	}
	ours, theirs, err := pair()
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(ours.fd) }()
	their := os.NewFile(uintptr(theirs.fd), "sandbox control")
	p, err := os.StartProcess("/proc/self/exe", []string{enterArg0}, &os.ProcAttr{
		Dir: j.Dir, Env: []string{}, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, jobFile, their},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: j.TTY, Pdeathsig: syscall.SIGKILL},
	})
	_, _ = their.Close(), jobFile.Close()
	if err != nil {
		return fmt.Errorf("start the command's process: %w", err)
	}
	s.leader = p.Pid
	unix.Umask(0) // the broker applies the caller's
	if err := s.enter(ours); err != nil {
		_ = unix.Kill(s.leader, unix.SIGKILL)
		return err
	}
	return s.letGo()
}

// enter takes hold of the command's process and waits until it has become the command.
func (s *supervisor) enter(c control) error {
	if err := s.tracer.seize(s.leader); err != nil {
		return err
	}
	if err := c.send(order{Enter: true}, -1); err != nil {
		return fmt.Errorf("let the command's process go on: %w", err)
	}
	// Its last calls before the command are stopped already, and must be answered; its events must be let go.
	messages := make(chan error, 1) // one result
	var reading sync.WaitGroup
	reading.Go(func() { messages <- s.await(c) })
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WALL|unix.WNOHANG, nil)
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for the command's process: %w", err)
		case pid > 0 && ws.Stopped():
			s.tracer.stopped(pid, ws)
		case pid == s.leader:
			reading.Wait()
			if err := <-messages; err != nil {
				return err
			}
			if ws.Exited() && ws.ExitStatus() == setupFailed {
				return fmt.Errorf("the command's process ended early: status %#x", uint32(ws))
			}
			delete(s.tracer.alive, pid)
			s.early = &ws // a short command has ended before its start was seen
			return nil
		case pid > 0:
			delete(s.tracer.alive, pid)
		default:
			select {
			case err := <-messages:
				return err
			case <-time.After(50 * time.Microsecond):
			}
		}
	}
}

// await follows what the command's process says; its end of the socket closes when it becomes the command.
func (s *supervisor) await(c control) error {
	for {
		var r report
		fd, err := c.receive(&r)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("hear of the command's process: %w", err)
		case r.Error != "":
			return errors.New(r.Error)
		case r.Listener && fd >= 0 && s.watcher == nil:
			if err := s.watch(fd); err != nil {
				return err
			}
		}
	}
}

func (s *supervisor) watch(listener int) error {
	calls, err := seccomp.ByNumber(seccomp.ModeOf(s.job.Plan))
	if err != nil {
		return err
	}
	if len(s.job.ChangeRoots) > 0 {
		s.changes = change.New(s.job.ChangeRoots)
	}
	s.watcher, err = denial.New(os.NewFile(uintptr(listener), "seccomp listener"), denial.Options{
		Plan: s.job.Plan, Calls: calls, Limits: s.job.Limits, Changes: s.changes, Actor: broker.New(s.job.Plan, time.Now(), os.Getpid()),
		OnDenial: func(d sandbox.Denial) { _ = s.up.send(report{Denial: &d}, -1) },
	})
	if err != nil {
		return err
	}
	s.watching.Go(s.watcher.Run)
	return nil
}

// letGo gives up the streams, so that their end is seen when the command closes them.
func (s *supervisor) letGo() error {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	for fd := range 3 {
		if err := unix.Dup3(null, fd, 0); err != nil {
			return err
		}
	}
	return nil
}

// obey passes signals on, and ends everything when the parent is gone.
func (s *supervisor) obey() {
	for {
		var o order
		if _, err := s.up.receive(&o); err != nil {
			os.Exit(128 + int(unix.SIGKILL)) // all that is traced dies with this process
		}
		if o.Signal > 0 {
			_ = unix.Kill(s.leader, unix.Signal(o.Signal))
		}
	}
}
