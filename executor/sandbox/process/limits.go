//go:build linux

package process

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
)

// Resource is a resource limit as the kernel knows it.
type Resource struct {
	Name  string
	Which int
	Value unix.Rlimit
}

// Limit lowers the limits of process pid to l. What the process starts later inherits them.
//
// The kernel counts processes per user namespace and user, so what runs outside does not count; it does not hold the
// host's root to that limit, see watchNumber.
func Limit(pid int, l sandbox.Limits) error {
	list, err := Lower(pid, l)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := unix.Prlimit(pid, r.Which, &r.Value, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("limit %s: %w", r.Name, err)
		}
	}
	return nil
}

// Lower says which limits of process pid, 0 for the caller, are above l, and what to make of them. No limit is ever raised.
func Lower(pid int, l sandbox.Limits) ([]Resource, error) {
	var out []Resource
	for _, r := range []struct {
		name  string
		which int
		value int64
		set   bool
	}{
		{"processes", unix.RLIMIT_NPROC, int64(l.Processes), l.Processes > 0},
		{"memory", unix.RLIMIT_DATA, l.Memory, l.Memory > 0},
		{"core", unix.RLIMIT_CORE, l.Core, l.Core >= 0},
		{"open files", unix.RLIMIT_NOFILE, int64(l.OpenFiles), l.OpenFiles > 0},
	} {
		if !r.set {
			continue
		}
		var now unix.Rlimit
		err := unix.Prlimit(pid, r.which, nil, &now)
		if errors.Is(err, unix.ESRCH) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("limit %s: %w", r.name, err)
		}
		lower := unix.Rlimit{Cur: min(now.Cur, uint64(r.value)), Max: min(now.Max, uint64(r.value))}
		if lower != now {
			out = append(out, Resource{Name: r.name, Which: r.which, Value: lower})
		}
	}
	return out, nil
}
