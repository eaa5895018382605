package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/seccomp"
)

// setupFailed is the helper's exit status when nothing was run; the reason goes through the control socket.
const setupFailed = 125

// Main turns this process into the helper when it was started as one, and then does not return.
// The binary's main and TestMain call it first, before anything else.
func Main() {
	if len(os.Args) != 1 || os.Args[0] != helperArg0 {
		return
	}
	os.Exit(help())
}

// help runs on the main goroutine, locked to the thread that gets the filters and starts the command.
func help() int {
	runtime.LockOSThread()
	c := control{fd: fdControl}
	unix.CloseOnExec(fdControl)
	unix.CloseOnExec(fdJob)
	pid, err := prepare(c)
	if err != nil {
		_ = c.send(report{Error: err.Error()}, -1)
		return setupFailed
	}
	if err := c.send(report{Started: true}, -1); err != nil {
		return setupFailed
	}
	var obeying sync.WaitGroup
	obeying.Go(func() { c.obey(pid) }) // ends with the process
	return c.reap(pid)
}

func prepare(c control) (int, error) {
	// The parent sets this too; it is lost when an exec changes credentials.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return 0, fmt.Errorf("die with parent: %w", err)
	}
	j, err := readJob(os.NewFile(fdJob, "job"))
	if err != nil {
		return 0, err
	}
	if err := buildView(j); err != nil {
		return 0, err
	}
	if err := os.Chdir(j.Dir); err != nil {
		return 0, fmt.Errorf("enter working directory: %w", err)
	}
	if err := dropPrivileges(); err != nil {
		return 0, err
	}
	if err := installFilters(c, j); err != nil {
		return 0, err
	}
	p, err := os.StartProcess(j.Path, j.Args, &os.ProcAttr{
		Env: j.Env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: j.TTY},
	})
	if err != nil {
		return 0, fmt.Errorf("execute: %w", err)
	}
	return p.Pid, nil
}

// installFilters puts the filters on this thread, from which the command inherits them.
func installFilters(c control, j job) error {
	if j.Supervise {
		notify, err := seccomp.Notify(j.Network, false)
		if err != nil {
			return err
		}
		l, err := denial.Install(notify)
		switch {
		case err == nil:
			defer l.Close()
			if err := c.send(report{Listener: true}, int(l.Fd())); err != nil {
				return fmt.Errorf("hand over the listener: %w", err)
			}
		case !errors.Is(err, denial.ErrUnsupported):
			return err
		default:
			j.Supervise = false
		}
	}
	program, err := seccomp.Enforce(j.Network)
	if j.Supervise {
		program, err = seccomp.Quiet(j.Network)
	}
	if err != nil {
		return err
	}
	if err := denial.Load(program); err != nil {
		return fmt.Errorf("install seccomp filter: %w", err)
	}
	return nil
}

// control is one end of the socket pair between parent and helper.
type control struct{ fd int }

// send is one packet, with a descriptor when fd is not negative. It uses sendmsg, which no filter stops.
func (c control) send(v any, fd int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > packetLimit {
		b, _ = json.Marshal(report{Error: "error message too long"})
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	return unix.Sendmsg(c.fd, b, rights, nil, unix.MSG_NOSIGNAL)
}

// obey passes signals on, and ends everything when the parent is gone.
func (c control) obey(pid int) {
	buf := make([]byte, packetLimit)
	for {
		n, err := unix.Read(c.fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			os.Exit(128 + int(unix.SIGKILL))
		}
		var o order
		if json.Unmarshal(buf[:n], &o) == nil && o.Signal > 0 {
			_ = unix.Kill(pid, unix.Signal(o.Signal))
		}
	}
}

// reap waits as PID 1 for all orphans until the command has ended; the rest dies with the namespace.
func (c control) reap(pid int) int {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(-1, &ws, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return setupFailed
		}
		if got == pid {
			_ = c.send(report{Ended: true, Status: uint32(ws)}, -1)
			if ws.Signaled() {
				return 128 + int(ws.Signal())
			}
			return ws.ExitStatus()
		}
	}
}
