//go:build linux

package landlock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

// The helpers are told apart by argv[0]; the descriptors are fixed.
const (
	superviseArg0 = "proctor-sandbox-landlock"
	droppedArg0   = "proctor-sandbox-landlock-dropped" // the same, once it has given up its capabilities
	enterArg0     = "proctor-sandbox-landlock-enter"
	fdJob         = 3
	fdControl     = 4
	// jobLimit bounds what a helper reads, in bytes.
	jobLimit = 64 << 20
	// packetLimit bounds one message: a denial holds a path of at most 4096 bytes, escaped.
	packetLimit = 64 << 10
	// setupFailed is a helper's exit status when nothing was run; the reason goes through the control socket.
	setupFailed = 125
)

// job is what the helpers are told.
type job struct {
	Plan    filesystem.Plan
	Rules   []rule
	ABI     int
	Path    string
	Args    []string
	Env     []string
	Dir     string
	TTY     bool
	Watched bool
	Limits  sandbox.Limits
	// ChangeRoots are where changed files are told, nowhere when empty.
	ChangeRoots []string
}

func (j job) networkOff() bool { return j.Plan.Network == filesystem.NetworkOff }

// report is what a helper says, one JSON object a packet. The fields are set one at a time.
type report struct {
	Listener bool            `json:",omitempty"` // the packet carries the seccomp listener
	Error    string          `json:",omitempty"` // nothing was run
	Started  bool            `json:",omitempty"` // the command runs
	Denial   *sandbox.Denial `json:",omitempty"`
	Change   *sandbox.Change `json:",omitempty"`
	Ended    bool            `json:",omitempty"` // with Status (wait(2)), after all denials and changes
	Omitted  int             `json:",omitempty"` // changes above the limit
	Status   uint32          `json:",omitempty"`
	Reported int             `json:",omitempty"`
	Dropped  int             `json:",omitempty"`
}

// order is what is said to a helper.
type order struct {
	Signal int  `json:",omitempty"`
	Enter  bool `json:",omitempty"` // the helper is held: become the command
}

// memory is a file that only those who are handed it can read.
func memory(j job) (*os.File, error) {
	b, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("sandbox job", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), "sandbox job")
	if _, err = f.Write(b); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write sandbox job: %w", err)
	}
	return f, nil
}

func readJob(f *os.File) (job, error) {
	var j job
	b, err := io.ReadAll(io.LimitReader(f, jobLimit))
	if err == nil {
		err = json.Unmarshal(b, &j)
	}
	if err != nil {
		return j, fmt.Errorf("read sandbox job: %w", err)
	}
	return j, nil
}

// control is one end of a socket pair between two of the processes.
type control struct{ fd int }

func pair() (ours, theirs control, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return control{-1}, control{-1}, fmt.Errorf("make control socket: %w", err)
	}
	return control{fds[0]}, control{fds[1]}, nil
}

// send is one packet, with a descriptor when fd is not negative.
func (c control) send(v any, fd int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > packetLimit {
		b, _ = json.Marshal(report{Error: "message too long"})
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	for {
		if err := unix.Sendmsg(c.fd, b, rights, nil, unix.MSG_NOSIGNAL); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// receive is one packet and the descriptor that came with it, or -1. The end of the other side is io.EOF.
func (c control) receive(v any) (fd int, err error) {
	buf, rights := make([]byte, packetLimit), make([]byte, unix.CmsgSpace(4))
	for {
		n, rn, _, _, err := unix.Recvmsg(c.fd, buf, rights, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, err
		}
		if n == 0 {
			return -1, io.EOF
		}
		return received(rights[:rn]), json.Unmarshal(buf[:n], v)
	}
}

func received(rights []byte) int {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return -1
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1
	}
	return fds[0]
}
