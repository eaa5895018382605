package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/mountpoint"
	"proctor/executor/sandbox/process"
	"proctor/executor/sandbox/seccomp"
	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

const drain = 5 * time.Second

// Options say what to use.
type Options struct {
	// Executable is a program whose main calls Main first, usually "/proc/self/exe".
	Executable string
	// Registry holds placeholders for missing protected paths; Guard sweeps them after a kill and may be nil.
	Registry *mountpoint.Registry
	Guard    *mountpoint.Guard
	// Unsupervised turns exact denials off.
	Unsupervised bool
}

// Backend starts commands in namespaces of their own. It may be used by several goroutines.
type Backend struct {
	options Options
	hidden  string
	filters map[filesystem.Network]seccomp.Filters
}

// New prepares the backend; it starts nothing.
func New(o Options) (*Backend, error) {
	hidden, err := o.Registry.Hidden()
	if err != nil {
		return nil, err
	}
	filters, err := seccomp.New()
	if err != nil {
		return nil, err
	}
	return &Backend{options: o, hidden: hidden, filters: filters}, nil
}

// Name is "native".
func (*Backend) Name() string { return "native" }

// Start runs spec in new namespaces.
func (b *Backend) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	if err := sandbox.CheckSpec(spec); err != nil {
		return nil, err
	}
	if spec.Plan.Unconfined {
		return nil, fmt.Errorf("%w: native does not run unconfined plans", sandbox.ErrUnsupported)
	}
	path, err := sandbox.LookPath(spec)
	if err != nil {
		return nil, err
	}
	ops, hold, err := b.options.Registry.Prepare(spec.Plan)
	if err != nil {
		return nil, err
	}
	for _, op := range ops {
		if err := view.Mountable(op.Path); err != nil {
			hold.Release()
			return nil, errors.Join(sandbox.ErrUnsupported, err)
		}
	}
	if len(hold.Paths()) > 0 && b.options.Guard != nil {
		_ = b.options.Guard.Start(b.options.Registry, b.options.Executable) // without it the next start sweeps
	}
	env := append([]string(nil), spec.Env...)
	if spec.Plan.Network == filesystem.NetworkOff {
		env = append(env, sandbox.NetworkDisabledEnv)
	}
	l := &launch{backend: b, hold: hold, job: job{
		Ops: ops, Hidden: b.hidden, Path: path, Args: spec.Argv, Env: env, Dir: spec.Dir,
		TTY: spec.TTY, Network: spec.Plan.Network, Supervise: !b.options.Unsupervised,
	}, ready: make(chan struct{}), started: make(chan struct{}), done: make(chan struct{})}
	p, err := process.Start(ctx, process.Options{
		Spec: spec, Build: l.build, Calls: b.filters[spec.Plan.Network].Calls, Listener: l.awaitListener, Running: l.awaitCommand, Failure: l.failure, End: l.end, Signal: l.signal, Drain: drain, Close: l.close,
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// launch is the state of one command. The fields after started are written by read before it is closed, those
// after done before that.
type launch struct {
	backend *Backend
	hold    *mountpoint.Hold
	job     job
	reading sync.WaitGroup

	mu      sync.Mutex
	control *os.File // our end, nil after close

	ready    chan struct{} // closed when the listener came, or with started
	listener *os.File

	started chan struct{} // closed once the command runs or never will
	ran     bool

	done  chan struct{} // closed once the helper is gone
	err   string
	ended bool
	wait  syscall.WaitStatus
}

func (l *launch) build(bool) (process.Command, error) {
	b, err := json.Marshal(l.job)
	if err != nil {
		return process.Command{}, err
	}
	fd, err := unix.MemfdCreate("sandbox job", unix.MFD_CLOEXEC)
	if err != nil {
		return process.Command{}, fmt.Errorf("make memory file: %w", err)
	}
	jobFile := os.NewFile(uintptr(fd), "sandbox job")
	if _, err = jobFile.Write(b); err == nil {
		_, err = jobFile.Seek(0, 0)
	}
	if err != nil {
		_ = jobFile.Close()
		return process.Command{}, fmt.Errorf("write sandbox job: %w", err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		_ = jobFile.Close()
		return process.Command{}, fmt.Errorf("make control socket: %w", err)
	}
	l.control = os.NewFile(uintptr(pair[0]), "sandbox control")
	l.reading.Go(l.read)
	return process.Command{
		Path: l.backend.options.Executable, Args: []string{helperArg0}, Env: []string{}, Dir: "/",
		Extra: []*os.File{jobFile, os.NewFile(uintptr(pair[1]), "sandbox control")},
		Attr:  attributes(l.job.Network),
	}, nil
}

// attributes maps the user to himself; the helper needs capabilities until the view is built, and as an ordinary
// user keeps them through exec only as ambient ones.
func attributes(network filesystem.Network) *syscall.SysProcAttr {
	flags := syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC
	if network == filesystem.NetworkOff {
		flags |= syscall.CLONE_NEWNET
	}
	return &syscall.SysProcAttr{
		Cloneflags:  uintptr(flags),
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP},
		Pdeathsig:   syscall.SIGKILL,
		Setsid:      true,
	}
}

// read follows the reports until the helper is gone.
func (l *launch) read() {
	defer close(l.done)
	ready, started := once(l.ready), once(l.started)
	defer started()
	defer ready()
	buf, rights := make([]byte, packetLimit), make([]byte, unix.CmsgSpace(4))
	for {
		n, rn, _, _, err := unix.Recvmsg(int(l.control.Fd()), buf, rights, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		var r report
		if json.Unmarshal(buf[:n], &r) != nil {
			return
		}
		switch {
		case r.Listener && l.listener == nil:
			l.listener = received(rights[:rn])
			ready() // the helper's start of the command is supervised already
		case r.Error != "":
			l.err = r.Error
		case r.Started:
			l.ran = true
			ready()
			started()
		case r.Ended:
			l.ended, l.wait = true, syscall.WaitStatus(r.Status)
		}
	}
}

func once(c chan struct{}) func() { return sync.OnceFunc(func() { close(c) }) }

func received(rights []byte) *os.File {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil
	}
	return os.NewFile(uintptr(fds[0]), "seccomp listener")
}

func (l *launch) awaitListener(exited <-chan struct{}) *os.File {
	select {
	case <-l.ready:
		return l.listener
	case <-exited:
		return nil
	}
}

func (l *launch) awaitCommand(exited <-chan struct{}) bool {
	select {
	case <-l.started:
		return l.ran
	case <-exited:
		return false
	}
}

func (l *launch) failure() string {
	<-l.done
	return l.err
}

func (l *launch) end(ws syscall.WaitStatus) process.End {
	<-l.done
	switch {
	case l.ended && l.wait.Signaled():
		return process.End{Code: 128 + int(l.wait.Signal()), Signal: l.wait.Signal()}
	case l.ended:
		return process.End{Code: l.wait.ExitStatus()}
	case ws.Signaled():
		return process.End{Code: 128 + int(ws.Signal()), Signal: ws.Signal()}
	default:
		return process.End{Code: ws.ExitStatus(), NotRun: !l.ran}
	}
}

func (l *launch) signal(sig syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.control == nil {
		return os.ErrProcessDone
	}
	if err := (control{fd: int(l.control.Fd())}).send(order{Signal: int(sig)}, -1); err != nil {
		return fmt.Errorf("signal command: %w", err)
	}
	return nil
}

func (l *launch) close() {
	l.reading.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.control != nil {
		_ = l.control.Close()
		l.control = nil
	}
	l.hold.Release()
}
