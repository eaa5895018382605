// Proctor supervises coding agents: it decides, confines, records, exports and replays.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/term"

	"proctor/executor/sandbox/backend"
	"proctor/internal/cli"
)

func main() {
	backend.Main() // returns at once unless this process is a launcher of the sandbox
	os.Exit(int(run()))
}

// run is main with an exit status. Messages begin with "proctor:", lower case, and say what to do next.
func run() cli.Exit {
	err := begin(os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "proctor:", cli.Plain(err.Error()))
		return cli.Failure
	}
	env, err := environment()
	if err != nil {
		fmt.Fprintln(os.Stderr, "proctor:", err)
		return cli.Failure
	}
	ctx, stop := cli.Signals(context.Background())
	defer stop()
	root := newRoot(env, os.Args[1:]...)
	err = cli.Ended(ctx, root.ExecuteContext(ctx))
	var usage *usageError
	exit := cli.ExitOf(err)
	if errors.As(err, &usage) {
		exit = cli.Usage
	}
	if err != nil && err.Error() != "" && !cli.Shown(err) {
		fmt.Fprintln(os.Stderr, "proctor:", cli.Plain(err.Error()))
	}
	return exit
}

func environment() (cli.Env, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return cli.Env{}, fmt.Errorf("find the working folder: %w", err)
	}
	level := slog.LevelWarn
	if os.Getenv("PROCTOR_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Cwd: cwd,
		StdinTerminal: terminal(os.Stdin), StdoutTerminal: terminal(os.Stdout), StderrTerminal: terminal(os.Stderr),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}, nil
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// usageError is a command line that cannot be understood: exit status 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
