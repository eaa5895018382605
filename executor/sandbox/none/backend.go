//go:build linux

package none

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/process"
)

// drain is how long Wait goes on delivering output when something that outlived the command holds a pipe open.
const drain = 500 * time.Millisecond

// Backend runs commands directly. The zero value is ready.
type Backend struct{}

// Name is "none".
func (Backend) Name() string { return "none" }

// Start runs spec, whose plan must be unconfined.
func (Backend) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	if err := sandbox.CheckSpec(spec); err != nil {
		return nil, err
	}
	if !spec.Plan.Unconfined {
		return nil, fmt.Errorf("%w: mode %s needs a confining backend", sandbox.ErrUnsupported, spec.Plan.Mode)
	}
	path, err := sandbox.LookPath(spec)
	if err != nil {
		return nil, err
	}
	build := func(bool) (process.Command, error) {
		return process.Command{
			Path: path, Args: spec.Argv, Env: spec.Env, Dir: spec.Dir,
			Attr: &syscall.SysProcAttr{Setsid: true, Setctty: spec.TTY, Pdeathsig: syscall.SIGKILL},
		}, nil
	}
	p, err := process.Start(ctx, process.Options{Spec: spec, Build: build, KillGroup: true, Drain: drain})
	if err != nil {
		return nil, err
	}
	return p, nil
}
