package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"proctor/internal/cli"
	"proctor/internal/codex/execserver"
	"proctor/internal/config"
	"proctor/policy/filesystem"
)

// ExecServerOptions are the flags of proctor codex exec-server.
type ExecServerOptions struct {
	Config      config.Options
	IgnoreRules bool
	// Listen is empty or "stdio" for the client on standard input and output, else a URL ws://IP:PORT of this machine.
	Listen string
	// TokenFile holds what clients of Listen must bear; Workspaces are where they may work, by default below the working folder.
	TokenFile  string
	Workspaces []string
}

// executorOriginator marks the sessions of Codex whose commands this program runs.
const executorOriginator = "codex_exec_server"

// converses reports whether the sessions of an originator are conversations with a model, that can be resumed.
func converses(originator string) bool {
	return originator != runOriginator && originator != executorOriginator
}

// ExecServer serves Codex as its executor, until its client is gone or ctx ends.
func ExecServer(ctx context.Context, env cli.Env, o ExecServerOptions) error {
	token, err := readToken(env, o.TokenFile)
	if err != nil {
		return err
	}
	return WithStore(ctx, env, o.Config, Open, Runner, func(store *Store, cfg *config.Config) error {
		return serveCodex(ctx, env, o, store, cfg, token)
	})
}

func serveCodex(ctx context.Context, env cli.Env, o ExecServerOptions, store *Store, cfg *config.Config, token string) error {
	r := &run{env: env, cfg: cfg, store: store}
	telemetry, err := r.telemetry()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := r.stopOnFailure(ctx, cancel)
	defer store.serveHooks(ctx, env)()
	env.StdinTerminal = false // nobody is asked there: standard input is the client's, or belongs to several sessions
	server := execserver.Options{
		Host: &codexHost{env, o, store}, Environment: codexEnvironment(env, cfg), Workspace: cfg.Cwd,
		Warn: func(text string) { cli.Warn(env, text) },
	}
	if o.Listen == "" || o.Listen == "stdio" || o.Listen == "stdio://" {
		server.Thread = threadOfParent
		err = execserver.New(server).Serve(ctx, execserver.Lines(env.Stdin, env.Stdout))
	} else {
		if token == "" {
			server.Allowed = allowWorkspaces(env, cfg.Cwd, o.Workspaces)
		}
		err = listenForCodex(ctx, env, o, execserver.New(server), token)
	}
	stop()
	telemetry.finish(ctx)
	switch cause := context.Cause(ctx); {
	case store.Err() != nil:
		return notRecordedBy(store)
	case errors.Is(cause, cli.ErrInterrupted) || errors.Is(cause, cli.ErrTerminated):
		return cli.Fail(cli.ExitOf(cause), cli.Silent(int(cli.ExitOf(cause))))
	case err != nil && cli.ExitOf(err) == cli.Failure:
		return cli.Fail(cli.Failure, fmt.Errorf("serve Codex: %w", err))
	}
	return err
}

func listenForCodex(ctx context.Context, env cli.Env, o ExecServerOptions, s *execserver.Server, token string) error {
	l, err := execserver.Listen(ctx, o.Listen)
	if err != nil {
		if errors.Is(err, execserver.ErrAddress) {
			return cli.Fail(cli.Usage, err)
		}
		return cli.Fail(cli.Failure, err)
	}
	if _, err := fmt.Fprintf(env.Stdout, "ws://%s\n", l.Addr()); err != nil {
		return errors.Join(cli.Fail(cli.Failure, err), l.Close())
	}
	return s.ServeListener(ctx, l, token, func(err error) { cli.Warn(env, "a connection of Codex ended: "+err.Error()) })
}

// maxToken bounds a token, minToken from below: it must not be guessed, in bytes.
const (
	maxToken = 4096
	minToken = 16
)

func readToken(env cli.Env, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(env.Abs(path))
	if err != nil {
		return "", cli.Fail(cli.Failure, fmt.Errorf("read token: %w", err))
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	token := strings.TrimSpace(string(b))
	if err == nil && (len(token) < minToken || len(b) > maxToken) {
		err = fmt.Errorf("it has %d bytes, expected %d to %d", len(token), minToken, maxToken)
	}
	if err != nil {
		return "", cli.Fail(cli.Failure, fmt.Errorf("read token %s: %w", path, err))
	}
	return token, nil
}

// allowWorkspaces lets clients that bear no token work in some folders only: any process of this machine may connect, also a command
// that has the network, and it could name a workspace of its own.
func allowWorkspaces(env cli.Env, cwd string, dirs []string) func(string) error {
	allowed := []string{real(cwd)}
	for _, dir := range dirs {
		allowed = append(allowed, real(env.Abs(dir)))
	}
	return func(workspace string) error {
		if slices.ContainsFunc(allowed, func(dir string) bool { return filesystem.Within(real(workspace), dir) }) {
			return nil
		}
		return fmt.Errorf("work in %s: this server serves clients without a token in %s only; name the folder with --workspace, or give clients a token with --token-file",
			workspace, strings.Join(allowed, ", "))
	}
}

// real is a path without symlinks, or as it is where it cannot be looked at.
func real(path string) string {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		return at
	}
	return filepath.Clean(path)
}

func codexEnvironment(env cli.Env, cfg *config.Config) execserver.Environment {
	shell, tmp := env.Getenv("SHELL"), env.Getenv("TMPDIR")
	if shell == "" {
		shell = "/bin/sh"
		if _, err := os.Stat("/bin/bash"); err == nil {
			shell = "/bin/bash"
		}
	}
	if tmp == "" {
		tmp = os.TempDir()
	}
	return execserver.NewEnvironment(shell, cfg.Cwd, env.Getenv("HOME"), tmp)
}
