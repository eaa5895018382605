package canonical

import "errors"

var (
	// ErrNotRegular means a directory, device, FIFO or socket where a file was expected.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge means a file above the limit of the caller.
	ErrTooLarge = errors.New("file is too large")
	// ErrMoved means that a path which had no symbolic link in it when it was resolved has one now, or is
	// no directory any more. Nothing was touched; resolve and decide again.
	ErrMoved = errors.New("path changed since it was checked")
)
