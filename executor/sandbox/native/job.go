package native

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

// helperArg0 is argv[0] of the helper; the descriptors are fixed.
const (
	helperArg0 = "proctor-sandbox-native"
	fdJob      = 3
	fdControl  = 4
	// jobLimit bounds what the helper reads, in bytes: arguments and environment have their own limits in execve(2).
	jobLimit = 64 << 20
)

// job is what the helper is told.
type job struct {
	Ops       []view.Op
	Hidden    string
	Path      string
	Args      []string
	Env       []string
	Dir       string
	TTY       bool
	Network   filesystem.Network
	Supervise bool
}

// report is what the helper says, one JSON object per packet.
type report struct {
	// Listener: the packet carries the seccomp listener.
	Listener bool `json:",omitempty"`
	// Error: nothing was run.
	Error string `json:",omitempty"`
	// Started: the command runs.
	Started bool `json:",omitempty"`
	// Ended with Status (wait(2)).
	Ended  bool   `json:",omitempty"`
	Status uint32 `json:",omitempty"`
}

// order is what the parent says after the start.
type order struct{ Signal int }

const packetLimit = 8192

func readJob(f *os.File) (job, error) {
	var j job
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, jobLimit))
	if err != nil {
		return j, fmt.Errorf("read job: %w", err)
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return j, fmt.Errorf("read job: %w", err)
	}
	return j, nil
}
