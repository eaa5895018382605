//go:build !unix

package app

import (
	"os"

	"proctor/executor/sandbox"
)

// size is not known on this system.
func size(*os.File) (rows, cols uint16) { return 0, 0 }

// relay passes nothing on: no session runs on this system.
func relay(*os.File, sandbox.Process) (detach func()) { return func() {} }
