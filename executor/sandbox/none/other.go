//go:build !linux

package none

import (
	"context"
	"fmt"
	"runtime"

	"proctor/executor/sandbox"
)

// Backend runs nothing on this system. The zero value is ready.
type Backend struct{}

// Name is "none".
func (Backend) Name() string { return "none" }

// Start always fails with sandbox.ErrUnavailable.
func (Backend) Start(context.Context, sandbox.Spec) (sandbox.Process, error) {
	return nil, fmt.Errorf("%w: sessions run on Linux only, not on %s", sandbox.ErrUnavailable, runtime.GOOS)
}
