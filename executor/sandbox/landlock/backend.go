package landlock

import (
	"context"
	"fmt"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"proctor/executor/sandbox"
)

// ABI is the version of Landlock that this kernel offers, 0 for none.
func ABI() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil || v < 0 {
		return 0
	}
	return v
}

// Backend refuses every plan; see the package comment.
type Backend struct{}

// New gives the backend.
func New() Backend { return Backend{} }

// Name is "landlock".
func (Backend) Name() string { return "landlock" }

// Start always fails with sandbox.ErrUnsupported: nothing is run.
func (Backend) Start(_ context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	return nil, fmt.Errorf("%w: Landlock alone cannot enforce mode %s: it neither protects paths inside a writable root "+
		"nor sees chmod, utime and setxattr", sandbox.ErrUnsupported, spec.Plan.Mode)
}
