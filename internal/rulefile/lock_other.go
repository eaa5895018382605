//go:build !unix

package rulefile

import (
	"context"
	"errors"
	"os"
)

const noFollow = 0

// lock always fails: without a lock two writers could lose a rule.
func lock(context.Context, *os.File) error { return errors.New("files are not locked on this system") }
