//go:build linux

package native

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/mountpoint"
	"proctor/executor/sandbox/process"
	"proctor/executor/sandbox/steps"
)

// launch is the state of one command. Package process calls its methods one after the other, all but signal.
type launch struct {
	program *steps.Program
	hold    *mountpoint.Hold
	control *os.File // our end
	early   []packet // received already, to be looked at next
	sockets []*os.File
	failed  error // why nothing was run
	ended   *process.End

	mu      sync.Mutex
	command *os.File // a pidfd, nil before the start and after close
}

func (l *launch) build(bool) (process.Command, error) {
	image, err := l.program.File("sandbox")
	if err != nil {
		return process.Command{}, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		_ = image.Close()
		return process.Command{}, fmt.Errorf("make control socket: %w", err)
	}
	l.control = os.NewFile(uintptr(pair[0]), "sandbox control")
	return process.Command{
		Path: fmt.Sprintf("/proc/self/fd/%d", fdImage), Args: []string{"proctor-sandbox"}, Env: []string{}, Dir: "/",
		Extra: []*os.File{os.NewFile(uintptr(pair[1]), "sandbox control"), image},
		Attr:  &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	}, nil
}

// adopt waits until the launcher has made the init, which is a child of this process too, and goes on with that.
func (l *launch) adopt(launcher *os.Process) (*os.Process, error) {
	pid, err := l.born()
	if _, waiting := launcher.Wait(); err == nil {
		err = waiting
	}
	if err != nil {
		return nil, fmt.Errorf("start the sandbox processes: %w", err)
	}
	return os.FindProcess(pid) // it is ours and not waited for, so the number is not reused
}

// born is the init's process id. The init may say something before the launcher has told it.
func (l *launch) born() (int, error) {
	var early []packet
	defer func() { l.early = early }()
	for {
		p, err := receive(l.control)
		switch {
		case err != nil && len(early) > 0:
			return 0, l.program.Explain(early[0].data)
		case err != nil:
			return 0, err
		}
		if pid, ok := p.born(); ok {
			return pid, nil
		}
		early = append(early, p)
	}
}

// receive is the next packet; a failure is kept and an error.
func (l *launch) receive() (packet, error) {
	var p packet
	var err error
	if len(l.early) > 0 {
		p, l.early = l.early[0], l.early[1:]
	} else {
		p, err = receive(l.control)
	}
	if err == nil && p.is(inlet.Packet) {
		l.sockets = p.files
		return l.receive()
	}
	if err == nil && len(p.data) == sizeFailed {
		err = l.program.Explain(p.data)
		l.failed = err
	}
	return p, err
}

func (l *launch) awaitListener(<-chan struct{}) *os.File {
	p, err := l.receive()
	if err != nil {
		return nil
	}
	if !p.is(packetListener) {
		l.early = append([]packet{p}, l.early...)
		return nil
	}
	return p.descriptor // the start of the command is supervised already
}

func (l *launch) awaitCommand(<-chan struct{}) bool {
	if l.failed != nil {
		return false
	}
	p, err := l.receive()
	if err != nil || !p.is(packetStarted) || p.descriptor == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.command = p.descriptor
	return true
}

// inlet is called when the command runs: the sockets came before.
func (l *launch) inlet() (sandbox.Sockets, error) {
	files := l.sockets
	l.sockets = nil
	return inlet.Sockets(files)
}

func (l *launch) failure() string {
	if l.failed == nil {
		return ""
	}
	return l.failed.Error()
}

// end is called when the init is gone, so what it had to say has been said.
func (l *launch) end(ws syscall.WaitStatus) process.End {
	if l.ended == nil {
		end := l.conclude(ws)
		l.ended = &end
	}
	return *l.ended
}

func (l *launch) conclude(ws syscall.WaitStatus) process.End {
	for p, err := l.receive(); !errors.Is(err, errClosed); p, err = l.receive() {
		for _, f := range p.files {
			_ = f.Close()
		}
		if status, ok := p.ended(); ok {
			ws = syscall.WaitStatus(status)
		}
	}
	if ws.Signaled() {
		return process.End{Code: 128 + int(ws.Signal()), Signal: ws.Signal()}
	}
	return process.End{Code: ws.ExitStatus(), NotRun: l.failed != nil}
}

func (l *launch) signal(sig syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.command == nil {
		return os.ErrProcessDone
	}
	if err := unix.PidfdSendSignal(int(l.command.Fd()), sig, nil, 0); err != nil {
		if errors.Is(err, unix.ESRCH) {
			err = os.ErrProcessDone
		}
		return fmt.Errorf("signal command: %w", err)
	}
	return nil
}

func (l *launch) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.command != nil {
		_ = l.command.Close()
		l.command = nil
	}
	if l.control != nil {
		_ = l.control.Close()
	}
	for _, f := range l.sockets {
		_ = f.Close()
	}
	l.hold.Release()
}
