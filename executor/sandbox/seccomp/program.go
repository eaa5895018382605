//go:build linux

package seccomp

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const enosys = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
const eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

// Program is an assembled filter, ready for seccomp(2) or for bubblewrap's --seccomp.
type Program []unix.SockFilter

// Enforce is all that can be enforced without a supervisor: everything but Watched and Limited.
func Enforce(m Mode) (Program, error) {
	return assemble(m, map[Class]uint32{Refused: eperm, Silent: eperm, Absent: enosys, Dated: enosys, Sealed: enosys}, nil)
}

// Quiet refuses every Silent and Absent call; Notify takes care of the others.
func Quiet(m Mode) (Program, error) {
	return assemble(m, map[Class]uint32{Silent: eperm, Absent: enosys}, nil)
}

// Notify stops all other calls of the table until a supervisor answers. With setup it also stops
// prctl(PR_SET_SECCOMP): bubblewrap makes that call when its own work is done, just before the command.
func Notify(m Mode, setup bool) (Program, error) {
	var extra []Call
	if setup {
		extra = append(extra, Call{Name: SetupDone, Class: Watched, When: when(is(0, unix.PR_SET_SECCOMP))})
	}
	actions := map[Class]uint32{}
	for c := range notified {
		actions[c] = unix.SECCOMP_RET_USER_NOTIF
	}
	return assemble(m, actions, extra)
}

// notified are the classes that a supervisor answers.
var notified = map[Class]bool{Refused: true, Watched: true, Dated: true, Sealed: true, Limited: true}

// SetupDone names the call that Notify stops in addition, to see the end of the set-up; SetupNumber is its number.
const (
	SetupDone   = "prctl"
	SetupNumber = int32(unix.SYS_PRCTL)
)

func assemble(m Mode, actions map[Class]uint32, extra []Call) (Program, error) {
	if scopeOf(m.Network) == 0 {
		return nil, fmt.Errorf("assemble seccomp filter: unknown network mode %q", m.Network)
	}
	host, err := here()
	if err != nil {
		return nil, fmt.Errorf("assemble seccomp filter: %w", err)
	}
	raw, err := bpf.Assemble(instructions(append(slices.Clip(Calls()), extra...), m, actions, host))
	if err != nil {
		return nil, fmt.Errorf("assemble seccomp filter: %w", err)
	}
	program := make(Program, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return program, nil
}

// instructionSize is that of struct sock_filter (linux/filter.h).
const instructionSize = 8

// Bytes is the program in the machine's byte order, as bubblewrap reads it.
func (p Program) Bytes() []byte {
	b := make([]byte, 0, len(p)*instructionSize)
	for _, f := range p {
		b = append(binary.NativeEndian.AppendUint16(b, f.Code), f.Jt, f.Jf)
		b = binary.NativeEndian.AppendUint32(b, f.K)
	}
	return b
}

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) != 1 }
