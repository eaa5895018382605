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
	"proctor/policy/filesystem"
)

// SandboxOptions are the flags of proctor sandbox.
type SandboxOptions struct {
	Config     config.Options
	Argv       []string
	LogDenials bool
	// Proxy is nil where this program has none: then a command whose network is proxied is ErrWhole.
	Proxy ProxyMaker
}

// ProxyMaker makes the proxy of a command whose network is proxied. tell gets each refusal, and whether the command is to end
// for it.
type ProxyMaker func(env cli.Env, n terms.Network, tell func(why string, end bool)) (*sandbox.Proxy, error)

// ErrWhole means that only the whole program can do what was asked for: the front has no network proxy.
var ErrWhole = errors.New("the network proxy is in the whole program only")

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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.Plan.Network == filesystem.NetworkProxied {
		if o.Proxy == nil {
			return ErrWhole
		}
		if spec.Proxy, err = commandProxy(env, cfg, o, cancel); err != nil {
			return err
		}
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

// commandProxy is the proxy of the one command; end ends it.
func commandProxy(env cli.Env, cfg *config.Config, o SandboxOptions, end func()) (*sandbox.Proxy, error) {
	rules, _, err := terms.Rules(cfg, false)
	if err != nil {
		return nil, err
	}
	network, err := terms.NetworkOf(cfg, rules)
	if err != nil {
		return nil, err
	}
	for _, note := range network.Notes {
		cli.Warn(env, note)
	}
	return o.Proxy(env, network, func(why string, kill bool) {
		if o.LogDenials || kill {
			_, _ = fmt.Fprintln(env.Stderr, "denied:", cli.Plain(why))
		}
		if kill {
			end()
		}
	})
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
