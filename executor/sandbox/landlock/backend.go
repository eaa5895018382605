//go:build linux

package landlock

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/process"
)

const drain = 5 * time.Second

// ABI is the version of Landlock that this kernel offers, 0 for none.
func ABI() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil || v < 0 {
		return 0
	}
	return v
}

// Options say what to use.
type Options struct {
	// Executable is a program whose main calls Main first, usually "/proc/self/exe".
	Executable string
	// Unsupervised turns exact denials off. Then only plans without writable folders can be enforced.
	Unsupervised bool
	// ABI, when not 0, is used instead of the kernel's when that is higher.
	ABI int
}

// Backend confines commands by Landlock. It may be used by several goroutines.
type Backend struct {
	options Options
	abi     int
}

// New prepares the backend; it starts nothing.
func New(o Options) *Backend {
	abi := ABI()
	if o.ABI > 0 {
		abi = min(abi, o.ABI)
	}
	return &Backend{options: o, abi: abi}
}

// Name is "landlock".
func (*Backend) Name() string { return "landlock" }

// Gaps is in what the backend guarantees less than one with namespaces.
func (b *Backend) Gaps() []string { return Gaps(b.abi) }

// Start runs spec.
func (b *Backend) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	if err := sandbox.CheckSpec(spec); err != nil {
		return nil, err
	}
	watched := !b.options.Unsupervised && CanWatch()
	if why := refused(spec.Plan, b.abi, watched); why != "" {
		return nil, fmt.Errorf("%w: %s", sandbox.ErrUnsupported, why)
	}
	path, err := sandbox.LookPath(spec)
	if err != nil {
		return nil, err
	}
	rules, err := rulesFor(spec.Plan, listDir)
	switch {
	case errors.Is(err, errTooMany):
		return nil, fmt.Errorf("%w: %w", sandbox.ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("%w: make Landlock rules: %w", sandbox.ErrSetup, err)
	}
	env := sandbox.Announced(spec, netip.AddrPort{})
	var changeRoots []string
	if spec.OnChange != nil {
		changeRoots = spec.ChangeRoots
	}
	l := &launch{backend: b, onDenial: spec.OnDenial, onChange: spec.OnChange, job: job{
		Plan: spec.Plan, Rules: rules.rules, ABI: b.abi, Path: path, Args: spec.Argv, Env: env, Dir: spec.Dir, TTY: spec.TTY, Watched: watched, Limits: limits(spec.Limits), ChangeRoots: changeRoots,
	}, started: make(chan struct{}), done: make(chan struct{})}
	p, err := process.Start(ctx, process.Options{
		Spec: spec, Build: l.build, Running: l.awaitCommand, Failure: l.failure, End: l.end, Signal: l.signal, Drain: drain, Close: l.close,
	})
	if err != nil {
		return nil, err
	}
	return supervised{p, l}, nil
}

// limits makes room for what the user runs already: the kernel counts all of it, since there is no user namespace.
func limits(l sandbox.Limits) sandbox.Limits {
	if l.Processes > 0 && os.Getuid() != 0 {
		l.Processes += tasks(os.Getuid())
	}
	return l
}

// tasks is how many threads a user has now.
func tasks(uid int) int {
	list, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range list {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != uid {
			continue
		}
		threads, _ := os.ReadDir("/proc/" + e.Name() + "/task")
		n += len(threads)
	}
	return n
}

// CanWatch finds out once, for the process, whether a filter may have a listener here: an outer sandbox may forbid it, or have one itself.
var CanWatch = sync.OnceValue(func() bool {
	allow, err := assemble([]bpf.Instruction{bpf.RetConstant{Val: retAllow}})
	if err != nil {
		return false
	}
	var trying sync.WaitGroup
	ok := false
	trying.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its filter
		l, err := denial.Install(allow)
		if ok = err == nil; ok {
			_ = l.Close()
		}
	})
	trying.Wait()
	return ok
})

// supervised is a process whose denials are counted by the supervisor.
type supervised struct {
	*process.Process
	launch *launch
}

func (p supervised) Wait() sandbox.Result {
	r := p.Process.Wait()
	r.DenialsExact = p.launch.job.Watched
	r.Denials, r.DenialsDropped, r.ChangesOmitted = p.launch.reported, p.launch.dropped, p.launch.omitted
	return r
}

// launch is the state of one command. The fields after started are written by read before it is closed, those
// after done before that.
type launch struct {
	backend  *Backend
	onDenial func(sandbox.Denial)
	onChange func(sandbox.Change)
	job      job
	reading  sync.WaitGroup

	mu      sync.Mutex
	control *os.File // our end, nil after close

	started chan struct{} // closed once the command runs or never will
	ran     bool

	done              chan struct{} // closed once the supervisor is gone
	err               string
	ended             bool
	wait              syscall.WaitStatus
	reported, dropped int
	omitted           int
}

func (l *launch) build(bool) (process.Command, error) {
	jobFile, err := memory(l.job)
	if err != nil {
		return process.Command{}, err
	}
	ours, theirs, err := pair()
	if err != nil {
		_ = jobFile.Close()
		return process.Command{}, err
	}
	l.control = os.NewFile(uintptr(ours.fd), "sandbox control")
	l.reading.Go(l.read)
	return process.Command{
		Path: l.backend.options.Executable, Args: []string{superviseArg0}, Env: []string{}, Dir: "/",
		Extra: []*os.File{jobFile, os.NewFile(uintptr(theirs.fd), "sandbox control")},
		Attr:  &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true},
	}, nil
}

// read follows the reports until the supervisor is gone.
func (l *launch) read() {
	defer close(l.done)
	started := sync.OnceFunc(func() { close(l.started) })
	defer started()
	c := control{int(l.control.Fd())}
	for {
		var r report
		if fd, err := c.receive(&r); err != nil {
			return
		} else if fd >= 0 {
			_ = unix.Close(fd)
		}
		switch {
		case r.Error != "":
			l.err = r.Error
		case r.Started:
			l.ran = true
			started()
		case r.Denial != nil:
			if l.onDenial != nil {
				l.onDenial(*r.Denial)
			}
		case r.Change != nil:
			if l.onChange != nil {
				l.onChange(*r.Change)
			}
		case r.Ended:
			l.ended, l.wait, l.reported, l.dropped, l.omitted = true, syscall.WaitStatus(r.Status), r.Reported, r.Dropped, r.Omitted
		}
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
	if err := (control{int(l.control.Fd())}).send(order{Signal: int(sig)}, -1); err != nil {
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
}
