//go:build !linux

package hook

import (
	"errors"
	"io"
	"os/exec"
)

func group(*exec.Cmd) {}

func brokenPipe(err error) bool { return errors.Is(err, io.ErrClosedPipe) }
