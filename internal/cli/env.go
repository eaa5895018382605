package cli

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"proctor/internal/config"
)

// Version of proctor.
const Version = "0.1.0"

// Env is the world around a command.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Cwd            string // absolute
	// The three tell which streams a person sees.
	StdinTerminal, StdoutTerminal, StderrTerminal bool
	Log                                           *slog.Logger
}

// Lookup reads the environment.
func (e Env) Lookup(name string) (string, bool) {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if n, v, ok := strings.Cut(e.Environ[i], "="); ok && n == name {
			return v, true
		}
	}
	return "", false
}

// Getenv reads the environment; a missing variable is empty.
func (e Env) Getenv(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// Colour reports whether text on a stream may be coloured.
func (e Env) Colour(terminal bool) bool {
	_, off := e.Lookup("NO_COLOR")
	return terminal && !off && e.Getenv("TERM") != "dumb"
}

// Logger is Log, or one that says nothing.
func (e Env) Logger() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}

// Abs makes path absolute from the working directory.
func (e Env) Abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(e.Cwd, path)
}

// Here completes what to load with where this process is. Names that look like secrets stay out of the environment
// of commands unless ignore_default_excludes was written by somebody; in Codex they get through.
func (e Env) Here(opts config.Options) config.Options {
	opts.LookupEnv, opts.ExcludeSecrets = e.Lookup, true
	if opts.Cwd == "" {
		opts.Cwd = e.Cwd
	}
	opts.Hostname, _ = os.Hostname()
	return opts
}

// Configure loads the configuration as a command asks for it.
func (e Env) Configure(opts config.Options) (*config.Config, []config.Warning, error) {
	opts = e.Here(opts)
	cfg, warnings, err := config.Load(opts)
	if err != nil {
		return nil, warnings, Fail(configExit(err), err)
	}
	return cfg, warnings, nil
}

// configExit is 1 for what is written in files, as codex exec has it, and 2 for the command line.
func configExit(err error) Exit {
	if _, usage := errors.AsType[*config.UsageError](err); usage {
		return Usage
	}
	return Failure
}

// Width is that of the terminal on standard output, 0 when there is none.
func (e Env) Width() int {
	f, ok := e.Stdout.(*os.File)
	if !ok || !e.StdoutTerminal {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// File is the file that a stream is, nil when it is none.
func File(v any) *os.File {
	f, _ := v.(*os.File)
	return f
}
