package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"proctor/internal/cli"
	"proctor/internal/codex/install"
	"proctor/internal/config"
)

// CodexInstallOptions are the flags of proctor codex install.
type CodexInstallOptions struct {
	ExecServer, Hooks, Otel, Managed bool
	Uninstall, DryRun                bool
	// Endpoint is that of otel-receive; TokenFile holds what it asks for. Requirements is the file for Managed.
	Endpoint, TokenFile, Requirements string
}

// CodexInstall writes proctor into the configuration of Codex, or takes it out, and shows what changes.
func CodexInstall(env cli.Env, o CodexInstallOptions) error {
	home, err := codexHome(env)
	if err != nil {
		return err
	}
	if o.Uninstall {
		changes, err := install.Undone(home)
		if err != nil {
			return cli.Fail(cli.Failure, err)
		}
		return applyInstall(env, o, changes, func() error { return install.Undo(home, changes) })
	}
	if !o.ExecServer && !o.Hooks && !o.Otel {
		return cli.Fail(cli.Usage, errors.New("nothing to install: give one or more of --exec-server, --hooks and --otel, or --uninstall"))
	}
	w := install.Want{Home: home, ExecServer: o.ExecServer, Hooks: o.Hooks}
	if w.Program, err = ownProgram(); err != nil {
		return err
	}
	if o.Managed {
		w.Managed = env.Abs(o.Requirements)
	}
	if o.Otel {
		w.Otel = o.Endpoint
		if w.Token, err = readToken(env, o.TokenFile); err != nil {
			return err
		}
	}
	now, err := install.Read(w)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	wanted, err := install.Plan(w, now)
	if err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("plan the installation: %w", err))
	}
	changes := install.Changes(now, wanted)
	return applyInstall(env, o, changes, func() error { return install.Apply(home, changes) })
}

func applyInstall(env cli.Env, o CodexInstallOptions, changes []install.Change, apply func() error) error {
	for _, c := range changes {
		if _, err := fmt.Fprint(env.Stdout, cli.Plain(c.Diff())); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	if o.DryRun {
		return nil
	}
	if len(changes) == 0 && !o.Uninstall {
		serving(env, "nothing to change")
		return nil
	}
	if err := apply(); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("write the configuration: %w", err))
	}
	serving(env, "%d files changed; 'proctor doctor --codex' says whether Codex takes them", len(changes))
	return nil
}

// codexHome is the real folder of the configuration, made where it is not there: Codex names hooks by it.
func codexHome(env cli.Env) (string, error) {
	cfg, _, err := env.Configure(config.Options{})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cfg.CodexHome, 0o700); err != nil {
		return "", cli.Fail(cli.Failure, err)
	}
	home, err := filepath.EvalSymlinks(cfg.CodexHome)
	if err != nil {
		return "", cli.Fail(cli.Failure, err)
	}
	return home, nil
}

// ownProgram is what others should start: the small front beside the whole program where there is one.
func ownProgram() (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", cli.Fail(cli.Failure, fmt.Errorf("find the file of this program: %w", err))
	}
	front := filepath.Join(filepath.Dir(self), "proctor")
	if info, err := os.Stat(front); err == nil && info.Mode().IsRegular() {
		return front, nil
	}
	return self, nil
}
