//go:build linux

package landlock

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Requests and events that golang.org/x/sys/unix has no function for (ptrace(2)).
const (
	traceOptions = unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE
	eventStop    = 128 // PTRACE_EVENT_STOP
)

// tracer holds every process of a command by ptrace. The kernel attaches it to each child as it is born, and kills all
// of them when the tracer ends, in whatever way: that takes the place of a PID namespace. All methods but kill must be
// called from one locked thread.
type tracer struct {
	alive  map[int]bool // threads
	ending bool
}

// seize begins with one process that waits to become the command.
func (t *tracer) seize(pid int) error {
	if errno := ptrace(unix.PTRACE_SEIZE, pid, traceOptions); errno != 0 {
		return fmt.Errorf("hold the command by ptrace: %w", errno)
	}
	t.alive = map[int]bool{pid: true}
	return nil
}

// follow returns when no process is left. ended is told how the leader ended; all others are killed then.
func (t *tracer) follow(leader int, ended func(unix.WaitStatus)) {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return // ECHILD
		case ws.Exited(), ws.Signaled():
			delete(t.alive, pid)
			if pid == leader {
				ended(ws)
				t.end()
			}
		case ws.Stopped():
			t.stopped(pid, ws)
		}
	}
}

// stopped lets a process that reported go on.
func (t *tracer) stopped(pid int, ws unix.WaitStatus) {
	t.alive[pid] = true
	if t.ending {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	signal := ws.StopSignal()
	switch event := int(ws>>16) & 0xff; {
	case event == eventStop && signal != unix.SIGTRAP: // stopped as a group, for job control: it stays so until SIGCONT
		_ = ptrace(unix.PTRACE_LISTEN, pid, 0)
	case event != 0:
		_ = ptrace(unix.PTRACE_CONT, pid, 0)
	default: // a signal on its way
		_ = ptrace(unix.PTRACE_CONT, pid, uintptr(signal))
	}
}

func (t *tracer) end() {
	t.ending = true
	for pid := range t.alive {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

func ptrace(request, pid int, data uintptr) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), 0, data, 0, 0)
	return errno
}
