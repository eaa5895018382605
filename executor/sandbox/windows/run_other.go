//go:build !windows

package windows

import (
	"context"
	"fmt"
	"runtime"

	"proctor/executor/sandbox"
)

// Run always fails with sandbox.ErrUnavailable: this is not Windows.
func Run(context.Context, Plan, []string, string, []string) (int, error) {
	return 0, fmt.Errorf("%w: restricted tokens exist on Windows only, and this is %s", sandbox.ErrUnavailable, runtime.GOOS)
}
