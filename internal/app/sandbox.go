package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"proctor/executor/sandbox"
	"proctor/internal/config"
)

// SandboxOptions are the flags of proctor sandbox.
type SandboxOptions struct {
	Config     config.Options
	Argv       []string
	LogDenials bool
}

// Sandbox runs one command confined, with the streams of this process.
func Sandbox(ctx context.Context, env Env, o SandboxOptions) error {
	cfg, warnings, err := env.Configure(o.Config)
	if err != nil {
		return err
	}
	ShowWarnings(env, warnings)
	c, err := Confine(ctx, env, cfg, nil)
	if err != nil {
		return err
	}
	spec := sandbox.Spec{
		Argv: o.Argv, Dir: cfg.Cwd, Env: commandEnviron(env, cfg, c.Plan), Plan: c.Plan, Limits: limits(cfg),
		StdinFile: file(env.Stdin), StdoutFile: file(env.Stdout), StderrFile: file(env.Stderr),
	}
	if o.LogDenials {
		spec.OnDenial = func(d sandbox.Denial) { _, _ = fmt.Fprintln(env.Stderr, "denied:", plain(denialText(d))) }
	}
	p, err := c.Backend.Start(ctx, spec)
	if err != nil {
		var unavailable *ExitError
		if errors.As(err, &unavailable) {
			return err
		}
		return fail(startExit(err), err)
	}
	stop := forward(p)
	defer stop()
	result := p.Wait()
	return fail(Exit(result.ExitCode), silent(result.ExitCode))
}

func startExit(err error) Exit {
	switch {
	case errors.Is(err, sandbox.ErrUnavailable), errors.Is(err, sandbox.ErrUnsupported), errors.Is(err, sandbox.ErrSetup):
		return NoSandbox
	case errors.Is(err, sandbox.ErrNotFound):
		return NotFound
	}
	return Failure
}

// silent is an error without text for a status other than 0.
func silent(status int) error {
	if status == 0 {
		return nil
	}
	return errSilent
}

var errSilent = errors.New("")

func file(v any) *os.File {
	f, _ := v.(*os.File)
	return f
}

func denialText(d sandbox.Denial) string {
	target := d.Path
	if target == "" {
		target = d.Address
	}
	times := ""
	if d.Count > 1 {
		times = fmt.Sprintf(", %d times", d.Count)
	}
	return fmt.Sprintf("%s %s %s (%s) by %s[%d]%s", d.Access, d.Syscall, target, d.Rule, filepath.Base(d.Program), d.PID, times)
}

// forward hands the signals that ask a process to end on to the command.
func forward(p sandbox.Process) (stop func()) {
	ch := make(chan os.Signal, 8)
	signal.Notify(ch, syscall.SIGHUP, syscall.SIGQUIT)
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		for sig := range ch {
			_ = p.Signal(sig.(syscall.Signal))
		}
	}()
	return func() { signal.Stop(ch); close(ch); <-done }
}
