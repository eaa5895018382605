//go:build linux

package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

const enosys = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
const eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

// Program is an assembled filter, ready for seccomp(2) or for bubblewrap's --seccomp.
type Program []unix.SockFilter

// Enforce is all that can be enforced without a supervisor: everything but Watched and Limited.
func Enforce(network filesystem.Network) (Program, error) {
	return assemble(network, map[Class]uint32{Refused: eperm, Silent: eperm, Absent: enosys, Dated: enosys, Sealed: enosys}, nil)
}

// Quiet refuses every Silent and Absent call; Notify takes care of the others.
func Quiet(network filesystem.Network) (Program, error) {
	return assemble(network, map[Class]uint32{Silent: eperm, Absent: enosys}, nil)
}

// Notify stops all other calls of the table until a supervisor answers. With setup it also stops
// prctl(PR_SET_SECCOMP): bubblewrap makes that call when its own work is done, just before the command.
func Notify(network filesystem.Network, setup bool) (Program, error) {
	var extra []Call
	if setup {
		extra = append(extra, Call{Name: SetupDone, Class: Watched, When: when(is(0, unix.PR_SET_SECCOMP))})
	}
	actions := map[Class]uint32{}
	for c := range notified {
		actions[c] = unix.SECCOMP_RET_USER_NOTIF
	}
	return assemble(network, actions, extra)
}

// notified are the classes that a supervisor answers.
var notified = map[Class]bool{Refused: true, Watched: true, Dated: true, Sealed: true, Limited: true}

// SetupDone names the call that Notify stops in addition, to see the end of the set-up.
const SetupDone = "prctl"

func assemble(network filesystem.Network, actions map[Class]uint32, extra []Call) (Program, error) {
	if scopeOf(network) == 0 {
		return nil, fmt.Errorf("assemble seccomp filter: unknown network mode %q", network)
	}
	m, err := here()
	if err != nil {
		return nil, fmt.Errorf("assemble seccomp filter: %w", err)
	}
	raw, err := bpf.Assemble(instructions(append(slices.Clip(Calls()), extra...), network, actions, m))
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

// Filters are all programs of one network mode.
type Filters struct {
	// Enforce, Quiet and Watch (Notify without setup) are in the form bubblewrap reads.
	Enforce, Quiet, Watch []byte
	// Notify is with setup.
	Notify Program
	// Calls are the rows of each call number that Notify may stop; a number without rows is SetupDone.
	Calls map[int32][]Call
}

// made keeps what For has made: assembling takes longer than starting a command.
var made struct {
	sync.Mutex
	filters map[filesystem.Network]Filters
}

// For returns the filters of a network mode, the same ones to everybody in the process: they must not be changed.
func For(network filesystem.Network) (Filters, error) {
	made.Lock()
	defer made.Unlock()
	if f, ok := made.filters[network]; ok {
		return f, nil
	}
	enforce, err1 := Enforce(network)
	quiet, err2 := Quiet(network)
	notify, err3 := Notify(network, true)
	watch, err4 := Notify(network, false)
	calls, err5 := ByNumber(network)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return Filters{}, err
	}
	if made.filters == nil {
		made.filters = map[filesystem.Network]Filters{}
	}
	f := Filters{Enforce: enforce.Bytes(), Quiet: quiet.Bytes(), Watch: watch.Bytes(), Notify: notify, Calls: calls}
	made.filters[network] = f
	return f, nil
}

// ByNumber gives the rows of each call number that Notify may stop in one network mode.
func ByNumber(network filesystem.Network) (map[int32][]Call, error) {
	m, err := here()
	if err != nil {
		return nil, err
	}
	out := map[int32][]Call{}
	for _, c := range Calls() {
		n, known := m.numbers[c.Name]
		if known && c.in(network) && notified[c.Class] {
			out[int32(n)] = append(out[int32(n)], c)
		}
	}
	return out, nil
}

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) != 1 }
