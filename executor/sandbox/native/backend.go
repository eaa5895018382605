//go:build linux

package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/mountpoint"
	"proctor/executor/sandbox/process"
	"proctor/executor/sandbox/seccomp"
	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

const drain = 5 * time.Second

// Options say what to use.
type Options struct {
	// Registry holds placeholders for missing protected paths.
	Registry *mountpoint.Registry
	// Guard, with Executable, starts the sweeper before the first placeholder; nil leaves sweeping to the next start.
	Guard      *mountpoint.Guard
	Executable string
	// Unsupervised turns exact denials off.
	Unsupervised bool
}

// Backend starts commands in namespaces of their own. It may be used by several goroutines.
type Backend struct {
	options Options
	hidden  string
}

// New prepares the backend; it starts nothing.
func New(o Options) (*Backend, error) {
	hidden, err := o.Registry.Hidden()
	if err != nil {
		return nil, err
	}
	return &Backend{options: o, hidden: hidden}, nil
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
	filters, err := seccomp.For(seccomp.ModeOf(spec.Plan), false)
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
	limits, err := process.Lower(0, spec.Limits)
	if err != nil {
		hold.Release()
		return nil, err
	}
	l := &launch{hold: hold, program: compile(job{
		ops: ops, hidden: b.hidden, path: path, args: spec.Argv, env: sandbox.Announced(spec, sandbox.ProxyAddr), dir: spec.Dir, tty: spec.TTY,
		network: spec.Plan.Network == filesystem.NetworkOn, proxied: spec.Plan.Network == filesystem.NetworkProxied,
		inlet: inlet.At(spec.Proxy), supervise: !b.options.Unsupervised, filters: filters,
		limits: limits, uid: os.Geteuid(), gid: os.Getegid(),
	})}
	p, err := process.Start(ctx, process.Options{
		Spec: spec, Calls: filters.Calls, Build: l.build, Adopt: l.adopt, Listener: l.awaitListener, Running: l.awaitCommand, Inlet: l.inlet,
		Failure: l.failure, End: l.end, Signal: l.signal, Drain: drain, Close: l.close,
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}
