package hook

import (
	"errors"
	"os/exec"
	"syscall"
)

// group lets the program lead a group of processes, which ends with it when it takes too long.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// brokenPipe: a program need not read its input.
func brokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
