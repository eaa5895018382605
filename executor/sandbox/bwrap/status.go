//go:build linux

package bwrap

import (
	"encoding/json"
	"io"
	"os"
)

// statusLimit bounds what is read of bwrap's status messages, in bytes.
const statusLimit = 64 << 10

// status follows bwrap's --json-status-fd: one object with the child's PID at the start, one with the exit code
// when the command had been started and ended.
type status struct {
	file *os.File
	// child is closed when childPID is known or never will be; done when exitCode is.
	child, done chan struct{}
	childPID    int
	exitCode    int
	finished    bool // an exit code came
}

func newStatus(f *os.File) *status {
	return &status{file: f, child: make(chan struct{}), done: make(chan struct{})}
}

// read runs until bwrap and all that hold the descriptor are gone.
func (s *status) read() {
	defer close(s.done)
	defer s.file.Close()
	announced := false
	announce := func() {
		if !announced {
			announced = true
			close(s.child)
		}
	}
	defer announce()
	dec := json.NewDecoder(io.LimitReader(s.file, statusLimit))
	for {
		var m struct {
			ChildPID *int `json:"child-pid"`
			ExitCode *int `json:"exit-code"`
		}
		if dec.Decode(&m) != nil {
			return
		}
		if m.ChildPID != nil {
			s.childPID = *m.ChildPID
			announce()
		}
		if m.ExitCode != nil {
			s.exitCode, s.finished = *m.ExitCode, true
		}
	}
}
