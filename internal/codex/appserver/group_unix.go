//go:build unix

package appserver

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes the server lead a group of its own, so that all that it starts can be killed. When this process is killed, the server ends
// with its standard input.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // it may be gone
