//go:build linux

package bwrap

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// signal reaches the command itself: the one child of bwrap's init at the start.
func (l *launch) signal(sig syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.command < 0 {
		fd, err := l.findCommand()
		if err != nil {
			return fmt.Errorf("signal command: %w", err)
		}
		l.command = fd
	}
	if err := unix.PidfdSendSignal(l.command, sig, nil, 0); err != nil {
		return fmt.Errorf("signal command: %w", err)
	}
	return nil
}

func (l *launch) findCommand() (int, error) {
	select {
	case <-l.status.child:
	default:
		return -1, os.ErrProcessDone
	}
	init := strconv.Itoa(l.status.childPID)
	b, err := os.ReadFile("/proc/" + init + "/task/" + init + "/children")
	if err != nil {
		return -1, os.ErrProcessDone
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return -1, os.ErrProcessDone
	}
	return unix.PidfdOpen(pid, 0)
}
