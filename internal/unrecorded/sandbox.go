package unrecorded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"proctor/executor/sandbox"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
)

// SandboxOptions are the flags of proctor sandbox.
type SandboxOptions struct {
	Config     config.Options
	Argv       []string
	LogDenials bool
}

// Sandbox runs one command confined, with the streams of this process.
func Sandbox(ctx context.Context, env cli.Env, o SandboxOptions) error {
	cfg, warnings, err := env.Configure(o.Config)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	c, err := terms.Confine(ctx, env, cfg, nil)
	if err != nil {
		return err
	}
	spec := sandbox.Spec{
		Argv: o.Argv, Dir: cfg.Cwd, Env: terms.Environ(env, cfg, c.Plan), Plan: c.Plan, Limits: terms.Limits(cfg),
		StdinFile: cli.File(env.Stdin), StdoutFile: cli.File(env.Stdout), StderrFile: cli.File(env.Stderr),
	}
	if o.LogDenials {
		spec.OnDenial = func(d sandbox.Denial) { _, _ = fmt.Fprintln(env.Stderr, "denied:", cli.Plain(denialText(d))) }
	}
	p, err := c.Backend.Start(ctx, spec)
	if err != nil {
		var unavailable *cli.ExitError
		if errors.As(err, &unavailable) {
			return err
		}
		return cli.Fail(cli.StartExit(err), err)
	}
	stop := cli.Forward(p)
	defer stop()
	result := p.Wait()
	return cli.Fail(cli.Exit(result.ExitCode), cli.Silent(result.ExitCode))
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
