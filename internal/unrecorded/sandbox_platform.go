package unrecorded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seatbelt"
	"proctor/executor/sandbox/windows"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
)

// PlatformOptions are the flags of proctor sandbox macos and windows.
type PlatformOptions struct {
	Config config.Options
	Argv   []string
	// Print shows what would confine and runs nothing, on any system.
	Print bool
}

// elsewhere is the answer to a command for another system.
func elsewhere(want, show string) error {
	return cli.Fail(cli.Usage, fmt.Errorf("commands are confined this way on %s only, and this is %s; %s shows what would confine them", want, runtime.GOOS, show))
}

// SandboxMacOS runs one command under a Seatbelt profile, or prints it.
func SandboxMacOS(ctx context.Context, env cli.Env, o PlatformOptions) error {
	if !o.Print && runtime.GOOS != "darwin" {
		return elsewhere("macOS", "--print-profile")
	}
	cfg, warnings, err := env.Configure(o.Config)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	plan, err := terms.Plan(env, cfg, nil)
	if err != nil {
		return err
	}
	profile, err := seatbelt.Profile(plan)
	if err != nil {
		return cli.Fail(cli.StartExit(err), err)
	}
	if o.Print {
		_, err := fmt.Fprint(env.Stdout, profile)
		return cli.Fail(cli.Failure, err)
	}
	environ := append(terms.Environ(env, cfg, plan), "CODEX_SANDBOX=seatbelt")
	if plan.Network == "off" {
		environ = append(environ, sandbox.NetworkDisabledEnv)
	}
	cmd := exec.CommandContext(ctx, seatbelt.Program, append([]string{"-p", profile, "--"}, o.Argv...)...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = cfg.Cwd, environ, env.Stdin, env.Stdout, env.Stderr
	// The command is in the same group as this process, so a terminal's signals reach it.
	signal.Ignore(syscall.SIGQUIT)
	return ended(cmd.Run())
}

// ended turns the end of a command into that of this process.
func ended(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return cli.Fail(cli.NoSandbox, fmt.Errorf("%w: %w", sandbox.ErrSetup, err))
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return cli.Fail(cli.Exit(128+int(ws.Signal())), cli.ErrSilent)
	}
	return cli.Fail(cli.Exit(exit.ExitCode()), cli.Silent(exit.ExitCode()))
}

// SandboxWindows runs one command under a restricted token in a job, or prints what would be done.
func SandboxWindows(ctx context.Context, env cli.Env, o PlatformOptions) error {
	if !o.Print && runtime.GOOS != "windows" {
		return elsewhere("Windows", "--print-plan")
	}
	cfg, warnings, err := env.Configure(o.Config)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	asked, err := terms.Plan(env, cfg, nil)
	if err != nil {
		return err
	}
	plan, err := windows.NewPlan(asked, terms.Limits(cfg))
	if err != nil {
		return cli.Fail(cli.StartExit(err), err)
	}
	if o.Print {
		enc := json.NewEncoder(env.Stdout)
		enc.SetIndent("", "  ")
		return cli.Fail(cli.Failure, enc.Encode(plan))
	}
	for _, gap := range plan.Gaps {
		_, _ = fmt.Fprintln(env.Stderr, "note:", cli.Plain(gap))
	}
	status, err := windows.Run(ctx, plan, o.Argv, cfg.Cwd, terms.Environ(env, cfg, asked))
	if err != nil {
		return cli.Fail(cli.StartExit(err), err)
	}
	return cli.Fail(cli.Exit(status), cli.Silent(status))
}
