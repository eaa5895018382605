package app

import "proctor/internal/cli"

// What every command uses stands in internal/cli, since the small build has it too; these are its names here.
type (
	// Env is the world around a command.
	Env = cli.Env
	// Exit is an exit status.
	Exit = cli.Exit
	// ExitError is an error with its exit status.
	ExitError = cli.ExitError
)

// The statuses and causes of internal/cli.
const (
	OK         = cli.OK
	Failure    = cli.Failure
	Usage      = cli.Usage
	Gate       = cli.Gate
	NoSandbox  = cli.NoSandbox
	NotDurable = cli.NotDurable

	Version = cli.Version
)

// Why a command was told to end.
var (
	ErrInterrupted = cli.ErrInterrupted
	ErrTerminated  = cli.ErrTerminated
	ErrTimeLimit   = cli.ErrTimeLimit
)

func fail(exit Exit, err error) error { return cli.Fail(exit, err) }

func plain(s string) string { return cli.Plain(s) }
