//go:build linux

package bwrap

import (
	"context"
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
	"proctor/executor/sandbox/steps"
	"proctor/policy/filesystem"
)

// drain is how long output may trail after bwrap is gone; its PID namespace died before it.
const drain = 5 * time.Second

// Options say what to use.
type Options struct {
	// Path is the absolute path of bwrap, as [Find] returns it.
	Path string
	// Registry holds placeholders for missing protected paths.
	Registry *mountpoint.Registry
	// Guard, with Executable, starts the sweeper before the first placeholder; nil leaves sweeping to the next start.
	Guard      *mountpoint.Guard
	Executable string
	// Unsupervised turns exact denials off.
	Unsupervised bool
}

// Backend starts commands under bwrap. It has no state of its own and may be used by several goroutines.
type Backend struct {
	options Options
	hidden  string
	setuid  bool
}

// New prepares the backend; it starts nothing.
func New(o Options) (*Backend, error) {
	info, err := os.Stat(o.Path)
	if err != nil {
		return nil, fmt.Errorf("use bwrap %q: %w", o.Path, err)
	}
	hidden, err := o.Registry.Hidden()
	if err != nil {
		return nil, err
	}
	return &Backend{options: o, hidden: hidden, setuid: info.Mode()&os.ModeSetuid != 0}, nil
}

// Name is "bwrap".
func (*Backend) Name() string { return "bwrap" }

// Start runs spec under bwrap.
func (b *Backend) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	if err := sandbox.CheckSpec(spec); err != nil {
		return nil, err
	}
	if spec.Plan.Unconfined {
		return nil, fmt.Errorf("%w: bwrap does not run unconfined plans", sandbox.ErrUnsupported)
	}
	setsid, err := findSetsid(spec.TTY)
	if err != nil {
		return nil, err
	}
	filters, err := seccomp.For(seccomp.ModeOf(spec.Plan), true)
	if err != nil {
		return nil, err
	}
	ops, hold, err := b.options.Registry.Prepare(spec.Plan)
	if err != nil {
		return nil, err
	}
	if len(hold.Paths()) > 0 && b.options.Guard != nil {
		// Without a sweeper leftovers of a kill wait for the next start; that is no reason not to run.
		_ = b.options.Guard.Start(b.options.Registry, b.options.Executable)
	}
	args, err := arguments(spec, ops, b.hidden)
	var words []string
	if err == nil {
		words, err = command(spec, setsid)
	}
	if err != nil {
		hold.Release()
		return nil, err
	}
	l := &launch{backend: b, filters: filters, spec: spec, words: words, args: args, hold: hold, commandStarted: make(chan struct{}), command: -1}
	o := process.Options{
		Spec: spec, Build: l.build, Running: l.running, OnCommand: l.onCommand, Inlet: l.inlet,
		End: l.end, Signal: l.signal, Drain: drain, Close: l.close,
	}
	if !b.setuid && !b.options.Unsupervised {
		o.Filter, o.Calls = filters.Notify, filters.Calls
	}
	p, err := process.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func findSetsid(needed bool) (string, error) {
	if !needed {
		return "", nil
	}
	for _, path := range []string{"/usr/bin/setsid", "/bin/setsid"} {
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: a terminal under bwrap needs the program setsid (package util-linux)", sandbox.ErrUnsupported)
}

// launch is the state of one command.
type launch struct {
	backend *Backend
	filters seccomp.Filters
	spec    sandbox.Spec
	words   []string // the command
	args    []string
	hold    *mountpoint.Hold

	status     *status
	reading    sync.WaitGroup
	supervised bool
	starter    *steps.Program
	control    *os.File // where the sockets of the proxy come from, nil without one
	block      *os.File // unsupervised, bwrap's child waits until it is closed

	commandStarted chan struct{} // closed by onCommand
	once           sync.Once
	mu             sync.Mutex
	command        int // pidfd of the command, or -1
}

// build runs on the locked thread, whose opens for writing are being supervised: memory files and pipes only.
func (l *launch) build(supervised bool) (process.Command, error) {
	l.supervised = supervised
	program := l.filters.Enforce
	if supervised {
		program = l.filters.Quiet
	}
	var options []byte
	for _, a := range l.args {
		options = append(append(options, a...), 0)
	}
	argsFile, err := memoryFile("bwrap arguments", options)
	if err != nil {
		return process.Command{}, err
	}
	filter, err := memoryFile("bwrap seccomp", program)
	if err != nil {
		_ = argsFile.Close()
		return process.Command{}, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		_ = argsFile.Close()
		_ = filter.Close()
		return process.Command{}, err
	}
	extra := []*os.File{argsFile, filter, write}
	words := []string{"bwrap", "--args", fdArgs}
	if !supervised {
		wait, release, err := os.Pipe()
		if err != nil {
			for _, f := range append(extra, read) {
				_ = f.Close()
			}
			return process.Command{}, err
		}
		l.block = release
		extra, words = append(extra, wait), append(words, "--block-fd", fdBlock)
	}
	if l.spec.Plan.Network == filesystem.NetworkProxied {
		more, err := l.openInlet(len(extra))
		if err != nil {
			for _, f := range append(extra, read) {
				_ = f.Close()
			}
			return process.Command{}, err
		}
		extra = append(extra, more...)
		l.words = append([]string{fmt.Sprintf("/proc/self/fd/%d", firstExtra+len(extra)-1)}, l.words...)
	}
	l.status = newStatus(read)
	l.reading.Go(l.status.read)
	return process.Command{
		Path:  l.backend.options.Path,
		Args:  append(append(words, "--"), l.words...),
		Env:   []string{},
		Dir:   "/",
		Extra: extra,
		Attr:  &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	}, nil
}

func memoryFile(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err = f.Write(content); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return f, nil
}

// onCommand runs while the thread waits for its answer, so the PID cannot have been reused. Of the two processes
// that make the call, bwrap's init and the command, either may come first.
func (l *launch) onCommand(thread int) {
	l.limit(thread)
	l.once.Do(func() { close(l.commandStarted) })
}

// limit cannot fail for want of rights, for the process is ours; when it does all the same, nothing may run.
func (l *launch) limit(pid int) {
	if process.Limit(pid, l.spec.Limits) != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// running is exact when supervised; otherwise it means that bwrap has got as far as making the namespaces.
func (l *launch) running(exited <-chan struct{}) bool {
	sign := l.commandStarted
	if !l.supervised {
		sign = l.status.child
	}
	select {
	case <-sign:
		if l.supervised {
			return true
		}
		if l.status.childPID > 0 {
			l.limit(l.status.childPID)
		}
		_ = l.block.Close()
		return l.status.childPID > 0
	case <-exited:
		return false
	}
}

func (l *launch) end(ws syscall.WaitStatus) process.End {
	<-l.status.done
	switch {
	case l.status.finished:
		return process.End{Code: l.status.exitCode}
	case ws.Signaled(): // killed, by us or by someone else
		return process.End{Code: 128 + int(ws.Signal()), Signal: ws.Signal()}
	default:
		return process.End{Code: ws.ExitStatus(), NotRun: true}
	}
}

func (l *launch) close() {
	if l.block != nil {
		_ = l.block.Close()
	}
	if l.control != nil {
		_ = l.control.Close()
	}
	l.reading.Wait()
	l.mu.Lock()
	if l.command >= 0 {
		_ = unix.Close(l.command)
		l.command = -1
	}
	l.mu.Unlock()
	l.hold.Release()
}
