//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/change"
	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/seccomp"
	"proctor/policy/filesystem"
)

// Command is what to execute.
type Command struct {
	Path  string
	Args  []string
	Env   []string
	Dir   string
	Extra []*os.File // descriptors from 3 on; closed here after the start
	Attr  *syscall.SysProcAttr
}

// End is how a backend reads the end of its launcher.
type End struct {
	Code   int
	Signal syscall.Signal
	// NotRun says that the command was never started.
	NotRun bool
}

// Options describe one start. Only Build is required.
type Options struct {
	Spec sandbox.Spec
	// Filter, when set, is installed before the start and supervised; when that is impossible Build learns so.
	Filter seccomp.Program
	// Calls goes with Filter or Listener (seccomp.ByNumber).
	Calls map[int32][]seccomp.Call
	// Build makes the command line.
	Build func(supervised bool) (Command, error)
	// Adopt, when set, is told the process that was started and returns the child of this process to follow instead of it.
	Adopt func(started *os.Process) (*os.Process, error)
	// Listener, when set, waits for a filter's listener that comes from the launcher; nil means none came.
	// exited is closed when the launcher is gone.
	Listener func(exited <-chan struct{}) *os.File
	// Running, when set, waits until the command runs, or returns false when it never will.
	Running func(exited <-chan struct{}) bool
	// Inlet hands over the sockets for Spec.Proxy once the command runs; required by a proxied network.
	Inlet func() (sandbox.Sockets, error)
	// OnCommand is told each thread that is about to become the command or its init (supervised only).
	OnCommand func(thread int)
	// End reads the wait status; nil means the child was the command itself.
	End func(syscall.WaitStatus) End
	// Failure is the launcher's reason when nothing was run; nil means what it wrote to standard error.
	Failure func() string
	// Signal sends a signal to the command; nil means to the child.
	Signal func(syscall.Signal) error
	// KillGroup makes Kill reach the child's process group.
	KillGroup bool
	// Drain is how long output may go on after the child ended, when something else keeps it open.
	Drain time.Duration
	// Close is called once, after the end or when the start failed.
	Close func()
}

// Process implements sandbox.Process.
type Process struct {
	options Options
	streams *streams
	child   *os.Process
	exited  chan struct{} // closed by run when the child was reaped
	done    chan struct{} // closed by run when result is complete
	result  sandbox.Result
	// settled is closed by Start when it has decided that the command runs (or will not).
	settled chan struct{}
	// Written before settled is closed, read by run after.
	failed     bool
	forget     func() bool // ends the watch on ctx
	supervisor *denial.Supervisor
	changes    *change.Recorder // nil when nobody wants to know; the supervisor's until it has stopped
	status     syscall.WaitStatus

	running, supervising sync.WaitGroup
	killed               sync.Once

	// serving is over when the proxy has let go of all connections; unserve ends it.
	serving sync.WaitGroup
	unserve context.CancelFunc
	// carrier is valid after served was closed by serve; nil without one.
	served  chan struct{}
	carrier *inlet.Carrier
}

// Start runs the command and returns when it runs, or with an error when nothing was run.
func Start(ctx context.Context, o Options) (*Process, error) {
	if err := ctx.Err(); err != nil {
		o.close()
		return nil, err
	}
	st, err := openStreams(o.Spec)
	if err != nil {
		o.close()
		return nil, err
	}
	var changes *change.Recorder
	if o.Spec.OnChange != nil && len(o.Spec.ChangeRoots) > 0 {
		changes = change.New(o.Spec.ChangeRoots)
	}
	p := &Process{options: o, changes: changes, streams: st, exited: make(chan struct{}), done: make(chan struct{}), settled: make(chan struct{}),
		served: make(chan struct{})}
	started := make(chan error, 1) // one result of one start
	p.running.Go(func() { p.run(started) })
	if err := <-started; err != nil {
		p.running.Wait()
		return nil, err
	}
	p.forget = context.AfterFunc(ctx, p.Kill)
	if limit := o.Spec.Limits.Processes; limit > 0 && os.Getuid() == 0 && !o.Spec.Plan.Unconfined {
		p.supervising.Go(func() { p.watchNumber(limit) })
	}
	if o.Listener != nil {
		if l := o.Listener(p.exited); l != nil {
			p.supervise(l, false)
		}
	}
	if o.Running != nil && !o.Running(p.exited) {
		<-p.exited
	}
	if err := p.serve(ctx); err != nil {
		p.Kill()
		p.failed = true
		close(p.settled)
		<-p.done
		return nil, fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
	}
	return p.settle(ctx)
}

// serve gives the proxy its sockets. An error means that the command runs without a road, and must end.
func (p *Process) serve(ctx context.Context) error {
	defer close(p.served)
	spec := p.options.Spec
	if spec.Plan.Network != filesystem.NetworkProxied {
		return nil
	}
	select {
	case <-p.exited:
		return nil // before it could make use of it, or without having run: settle tells which
	default:
	}
	if p.options.Inlet == nil {
		return errors.New("this backend has no way to a proxy")
	}
	sockets, err := p.options.Inlet()
	if err != nil {
		return err
	}
	ctx, p.unserve = context.WithCancel(context.WithoutCancel(ctx))
	if spec.Proxy.Connect != nil {
		switch {
		case sockets.Carried == nil:
			err = errors.New("no socket for connections of programs without proxy came")
		case p.supervisor == nil:
			err = errors.New("connections of programs without proxy cannot be carried: seccomp user notification is not available; switch transparent off")
		}
		if err != nil {
			sockets.Close()
			return err
		}
		p.carrier = inlet.NewCarrier(ctx, spec.Proxy, sockets.Carried)
		p.serving.Go(p.carrier.Run)
		sockets.Carried = nil
	}
	p.serving.Go(func() { spec.Proxy.Serve(ctx, sockets) })
	return nil
}

// connect carries out the connect of a program that knows of no proxy.
func (p *Process) connect(c denial.Connecting) unix.Errno {
	<-p.served // soon: the command runs
	switch {
	case p.carrier == nil:
		return unix.EHOSTUNREACH
	case c.Datagrams:
		return p.carrier.Names(c.Socket)
	}
	return p.carrier.Connect(c.To, c.Program, c.Socket, c.Waits)
}

// cutServing ends all connections: what the supervisor carries ends with them.
func (p *Process) cutServing() {
	if p.unserve != nil {
		p.unserve()
	}
}

// settle lets output flow, or reports why nothing was run.
func (p *Process) settle(ctx context.Context) (*Process, error) {
	select {
	case <-p.exited:
		if p.options.End != nil && p.options.End(p.status).NotRun {
			text := p.failure()
			p.failed = true
			close(p.settled)
			<-p.done
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if text == "" {
				text = fmt.Sprintf("the launcher ended with status %d", p.status.ExitStatus())
			}
			return nil, fmt.Errorf("%w: %s", sandbox.ErrSetup, text)
		}
	default:
	}
	p.streams.copyOutput()
	close(p.settled)
	return p, nil
}

func (p *Process) failure() string {
	if p.options.Failure != nil {
		return p.options.Failure()
	}
	return strings.TrimSpace(p.streams.message())
}

// run follows the child from start to end. What happens on the locked thread is in thread: after the supervisor has
// stopped, that thread can do nothing that the filter stops, such as removing a file.
func (p *Process) run(started chan<- error) {
	defer close(p.done)
	defer p.options.close()
	begin := time.Now()
	var thread sync.WaitGroup
	startError := make(chan error, 1) // one result of one start
	thread.Go(func() { p.thread(startError) })
	err := <-startError
	p.streams.closeChild()
	if err != nil {
		thread.Wait()
		p.stopSupervising()
		p.streams.closeOwn()
		started <- err
		return
	}
	started <- nil
	thread.Wait()
	close(p.exited)
	<-p.settled
	p.forget()
	p.cutServing()
	p.stopSupervising()
	p.serving.Wait()
	if p.carrier != nil {
		p.carrier.Wait()
	}
	p.streams.finish(p.options.Drain)
	p.result = p.conclude()
	p.result.ChangesOmitted = p.tellChanges()
	p.result.Duration = time.Since(begin)
}

// thread starts the child and waits for it. It is never unlocked: the thread carries the filter and ends here.
func (p *Process) thread(started chan<- error) {
	runtime.LockOSThread()
	err := p.start()
	started <- err
	if err != nil {
		return
	}
	if state, err := p.child.Wait(); err == nil {
		p.status, _ = state.Sys().(syscall.WaitStatus)
	}
}

func (p *Process) stopSupervising() {
	if p.supervisor != nil {
		p.supervisor.Stop()
	}
	p.supervising.Wait()
}

// start installs the filter, begins to supervise and starts the child, all on this thread.
func (p *Process) start() error {
	if p.options.Filter != nil {
		// Without a listener (old kernel, outer sandbox) the command runs unsupervised, and the result says so.
		if l, err := denial.Install(p.options.Filter); err == nil {
			p.supervise(l, true)
		}
	}
	cmd, err := p.options.Build(p.supervisor != nil)
	if err != nil {
		return err
	}
	child, err := p.launch(cmd)
	if err != nil {
		return fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
	}
	if p.options.Adopt != nil {
		if child, err = p.options.Adopt(child); err != nil {
			return fmt.Errorf("%w: %w", sandbox.ErrSetup, err)
		}
	}
	p.child = child
	return nil
}

func (p *Process) launch(cmd Command) (*os.Process, error) {
	defer func() {
		for _, f := range cmd.Extra {
			_ = f.Close()
		}
	}()
	if err := sealDescriptors(); err != nil {
		return nil, fmt.Errorf("close inherited descriptors: %w", err)
	}
	files := append(append([]*os.File{}, p.streams.child[:]...), cmd.Extra...)
	return os.StartProcess(cmd.Path, cmd.Args, &os.ProcAttr{Dir: cmd.Dir, Env: cmd.Env, Files: files, Sys: cmd.Attr})
}

func (p *Process) supervise(l *os.File, setup bool) {
	o := denial.Options{
		Plan: p.options.Spec.Plan, Calls: p.options.Calls, Setup: setup, OnCommand: p.options.OnCommand, OnDenial: p.options.Spec.OnDenial,
		Limits: p.options.Spec.Limits, Changes: p.changes,
	}
	if proxy := p.options.Spec.Proxy; p.options.Spec.Plan.Network == filesystem.NetworkProxied && proxy != nil && proxy.Connect != nil {
		o.Connect = p.connect
	}
	s, err := denial.New(l, o)
	if err != nil {
		_ = l.Close()
		return
	}
	p.supervisor = s
	p.supervising.Go(s.Run)
}

func (p *Process) conclude() sandbox.Result {
	end := End{Code: p.status.ExitStatus()}
	if p.status.Signaled() {
		end.Code, end.Signal = 128+int(p.status.Signal()), p.status.Signal()
	}
	if p.options.End != nil {
		end = p.options.End(p.status)
	}
	r := sandbox.Result{ExitCode: end.Code, Signal: end.Signal, DenialsExact: p.supervisor != nil}
	if p.supervisor != nil {
		r.Denials, r.DenialsDropped = p.supervisor.Counts()
	}
	if end.NotRun && !p.failed {
		r.SetupError = fmt.Errorf("%w: the launcher ended with status %d", sandbox.ErrSetup, end.Code)
	}
	return r
}

// tellChanges compares what the command was about to change with what is there.
func (p *Process) tellChanges() (omitted int) {
	if p.changes == nil || p.supervisor == nil {
		return 0
	}
	list, omitted := p.changes.Settle()
	for _, c := range list {
		p.options.Spec.OnChange(c)
	}
	return omitted
}

func (o Options) close() {
	if o.Close != nil {
		o.Close()
	}
}

// PID is that of the launcher, the outermost process.
func (p *Process) PID() int { return p.child.Pid }

// Write sends to standard input or the terminal.
func (p *Process) Write(b []byte) (int, error) { return p.streams.write(b) }

// CloseStdin ends standard input.
func (p *Process) CloseStdin() error { return p.streams.closeInput() }

// Resize implements sandbox.Resizer.
func (p *Process) Resize(rows, cols uint16) error { return p.streams.resize(rows, cols) }

// Signal sends sig to the command.
func (p *Process) Signal(sig syscall.Signal) error {
	if p.options.Signal != nil {
		return p.options.Signal(sig)
	}
	return p.child.Signal(sig)
}

// Kill ends the child and all below it.
func (p *Process) Kill() {
	p.killed.Do(func() {
		select {
		case <-p.exited:
			return
		default:
		}
		if p.options.KillGroup {
			_ = unix.Kill(-p.child.Pid, unix.SIGKILL)
		}
		_ = p.child.Kill() // by pidfd; an error means that it is gone
	})
}

// Wait returns the result once everything was delivered.
func (p *Process) Wait() sandbox.Result {
	<-p.done
	return p.result
}

// Done is closed when Wait would return at once.
func (p *Process) Done() <-chan struct{} { return p.done }
