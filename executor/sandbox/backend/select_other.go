//go:build !linux

package backend

import (
	"context"
	"fmt"
	"runtime"

	"proctor/executor/sandbox"
)

// Main has no helpers to run on this system.
func Main() {}

// Probe says that commands are confined on Linux only.
func Probe(context.Context, Options) ([]Report, error) {
	return []Report{{Name: "none", Reason: "sessions run on Linux only, not on " + runtime.GOOS,
		Advice: "use a Linux machine, container or WSL2; single commands run with 'proctor sandbox " + verb() + "'"}}, nil
}

// Facts has nothing to say about this system.
func Facts() []Fact { return nil }

// Select always fails with sandbox.ErrUnavailable: nothing runs here, confined or not.
func Select(context.Context, Options) (sandbox.Backend, error) {
	return nil, fmt.Errorf("%w: sessions run on Linux only, not on %s; use a Linux machine, container or WSL2", sandbox.ErrUnavailable, runtime.GOOS)
}

func verb() string {
	if runtime.GOOS == "windows" {
		return "windows"
	}
	return "macos"
}
