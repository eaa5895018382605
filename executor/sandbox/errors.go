package sandbox

import "errors"

var (
	// ErrUnavailable means that no backend can confine on this machine. Do not run the command;
	// the text says what is missing and what to install or allow.
	ErrUnavailable = errors.New("sandbox unavailable")
	// ErrUnsupported means that this backend cannot enforce this plan; another one may.
	ErrUnsupported = errors.New("plan not enforceable by this sandbox backend")
	// ErrSetup means that building the confinement failed before the command: nothing was run.
	ErrSetup = errors.New("sandbox setup failed, nothing was run")
	// ErrNotFound means that the program is not there or not executable: nothing was run. Shells report 127.
	ErrNotFound = errors.New("program not found")
	// ErrInvalidSpec means that Spec contradicts itself; the text says which field.
	ErrInvalidSpec = errors.New("invalid sandbox spec")
)
