package unrecorded

import (
	"context"
	"time"

	"proctor/internal/cli"
	"proctor/internal/codexhook"
	"proctor/internal/config"
)

// CodexHook answers one hook of Codex by the process that answers hooks for the ledger. It is not served where there is none: then nothing was
// read, asked or answered.
func CodexHook(ctx context.Context, env cli.Env, timeout time.Duration, exit func(int)) (status int, served bool) {
	cfg, _, err := env.Configure(config.Options{})
	if err != nil {
		return 0, false
	}
	c, err := codexhook.Dial(cfg.Proctor.Ledger.Dir, env.Environ, max(timeout, codexhook.DefaultTimeout))
	if err != nil {
		return 0, false
	}
	defer func() { _ = c.Close() }()
	return codexhook.Run(ctx, codexhook.Options{
		Stdin: env.Stdin, Stdout: env.Stdout, Stderr: env.Stderr, Timeout: timeout, Exit: exit, Decide: c.Ask,
	}), true
}

// CodexHookRefused answers a hook that nobody can decide about.
func CodexHookRefused(env cli.Env, err error) int {
	return codexhook.Deny("proctor could not be started whole: "+err.Error()).Write("", env.Stdout, env.Stderr)
}
