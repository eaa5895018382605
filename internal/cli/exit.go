package cli

import (
	"context"
	"errors"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/internal/config"
)

// Exit is an exit status of proctor.
type Exit int

// The one table of exit statuses.
const (
	OK          Exit = 0
	Failure     Exit = 1   // the agent or the model failed
	Usage       Exit = 2   // command line or configuration
	Gate        Exit = 3   // finished, and --fail-on or a verification found something
	NoSandbox   Exit = 6   // the asked-for confinement is not available
	NotDurable  Exit = 7   // evidence could not be made durable
	TimeLimit   Exit = 124 // the time limit passed
	NotFound    Exit = 127 // proctor sandbox: no such program
	Interrupt   Exit = 130 // SIGINT
	Termination Exit = 143 // SIGTERM
)

// ExitError is an error with its exit status. A nil Err prints nothing.
type ExitError struct {
	Exit Exit
	Err  error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// The causes of a cancelled run.
var (
	ErrInterrupted = errors.New("interrupted")
	ErrTerminated  = errors.New("terminated")
	ErrTimeLimit   = errors.New("time limit reached")
)

// ExitOf is the status for err, OK for nil.
func ExitOf(err error) Exit {
	var exit *ExitError
	var usage *config.UsageError
	switch {
	case err == nil:
		return OK
	case errors.Is(err, event.ErrNotRecorded):
		return NotDurable
	case errors.As(err, &exit):
		return exit.Exit
	case errors.Is(err, ErrTerminated):
		return Termination
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return Interrupt
	case errors.Is(err, ErrTimeLimit):
		return TimeLimit
	case errors.Is(err, sandbox.ErrUnavailable):
		return NoSandbox
	case errors.As(err, &usage):
		return Usage
	}
	return Failure
}

// Ended is err, or why ctx ended where err is only about that: a command that was interrupted has not failed.
func Ended(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(err, event.ErrNotRecorded) || !errors.Is(err, context.Canceled) && !errors.Is(err, cause) {
		return err
	}
	return cause
}

// Fail wraps err with a status; nil stays nil.
func Fail(exit Exit, err error) error {
	if err == nil {
		return nil
	}
	return &ExitError{exit, err}
}

// StartExit is the status for a confined command that did not start.
func StartExit(err error) Exit {
	switch {
	case errors.Is(err, sandbox.ErrUnavailable), errors.Is(err, sandbox.ErrUnsupported), errors.Is(err, sandbox.ErrSetup):
		return NoSandbox
	case errors.Is(err, sandbox.ErrNotFound):
		return NotFound
	}
	return Failure
}

// Silent is an error without text for a status other than 0.
func Silent(status int) error {
	if status == 0 {
		return nil
	}
	return ErrSilent
}

// ErrSilent is an error that has been told already.
var ErrSilent = errors.New("")

// ShownError was shown to the person already, as it happened.
type ShownError struct{ Err error }

func (e *ShownError) Error() string { return e.Err.Error() }
func (e *ShownError) Unwrap() error { return e.Err }

// Shown reports whether err was already shown.
func Shown(err error) bool {
	var s *ShownError
	return errors.As(err, &s)
}
