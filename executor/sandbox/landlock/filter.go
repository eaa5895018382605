//go:build linux

package landlock

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/landlock/broker"
	"proctor/executor/sandbox/seccomp"
)

// lastKnown is the highest system call number whose effect is known here (mseal). Later ones, among them setxattrat and
// file_setattr, which change files behind Landlock's back, do not exist for the command. Numbers are the same on all
// architectures since 424.
const lastKnown = 462

// Offsets in struct seccomp_data (linux/seccomp.h).
const (
	numberAt = 0
	argsAt   = 16
)

const (
	eperm     = retErrno | uint32(unix.EPERM)
	enosys    = retErrno | uint32(unix.ENOSYS)
	retErrno  = 0x00050000
	retNotify = 0x7fc00000
	retAllow  = 0x7fff0000
)

// low is the offset of the low half of an argument; the kernel takes only that for an int.
func low(arg uint32) uint32 {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return argsAt + 8*arg
	}
	return argsAt + 8*arg + 4
}

// row is one check: a call, an argument and the values of it that match; without values every call matches.
type row struct {
	number uint32
	arg    uint32
	values []uint32
	bits   uint32 // any of these bits
	ret    uint32
}

// closed are the calls that a command without namespaces of its own must not make.
func closed() []row {
	rows := []row{
		// A child that is born untraced would outlive the supervisor.
		{number: unix.SYS_CLONE, arg: 0, bits: unix.CLONE_UNTRACED, ret: eperm},
		// Attributes of inodes through a descriptor that was opened for reading.
		{number: unix.SYS_IOCTL, arg: 1, values: []uint32{fsSetFlags, fsSetFlags32, fsSetVersion, fsSetXattr}, ret: eperm},
	}
	// What a namespace for IPC would have hidden.
	for _, n := range []uint32{unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP, unix.SYS_SEMCTL,
		unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL, unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK} {
		rows = append(rows, row{number: n, ret: enosys})
	}
	for _, n := range []uint32{unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES, unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE} {
		rows = append(rows, row{number: n, ret: eperm})
	}
	return rows
}

// The ioctls that change an inode's flags (linux/fs.h).
const (
	fsSetFlags   = 0x40086602
	fsSetFlags32 = 0x40046602
	fsSetVersion = 0x40087602
	fsSetXattr   = 0x401c5820
)

// others are the calls on other processes, which the supervisor looks at.
func others() []row {
	var rows []row
	for _, c := range broker.ProcessCalls() {
		rows = append(rows, row{number: c.Number, ret: retNotify})
	}
	return rows
}

// unwatched are the changes that Landlock does not see, refused where no broker makes them.
func unwatched(calls map[int32][]seccomp.Call) []row {
	var rows []row
	for n, list := range calls {
		if list[0].Access == "metadata" || list[0].Name == "truncate" {
			rows = append(rows, row{number: uint32(n), ret: eperm})
		}
	}
	for _, c := range broker.ProcessCalls() {
		if c.Refuse {
			rows = append(rows, row{number: c.Number, ret: eperm})
		}
	}
	return rows
}

// program assembles rows, each loading the number anew; then falls through to what follows.
func program(rows []row, future bool) []bpf.Instruction {
	var out []bpf.Instruction
	load := func(off uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: off, Size: 4} }
	if future {
		out = append(out, load(numberAt), bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: lastKnown, SkipFalse: 1},
			bpf.RetConstant{Val: enosys})
	}
	for _, r := range rows {
		var body []bpf.Instruction
		ret := bpf.RetConstant{Val: r.ret}
		switch {
		case len(r.values) > 0:
			body = append(body, load(low(r.arg)))
			for _, v := range r.values {
				body = append(body, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipFalse: 1}, ret)
			}
		case r.bits != 0:
			body = append(body, load(low(r.arg)), bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: r.bits, SkipFalse: 1}, ret)
		default:
			body = append(body, ret)
		}
		out = append(out, load(numberAt), bpf.JumpIf{Cond: bpf.JumpEqual, Val: r.number, SkipFalse: uint8(len(body))})
		out = append(out, body...)
	}
	return out
}

func assemble(instructions []bpf.Instruction) (seccomp.Program, error) {
	raw, err := bpf.Assemble(instructions)
	if err != nil {
		return nil, err
	}
	p := make(seccomp.Program, len(raw))
	for i, r := range raw {
		p[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return p, nil
}

// closing is a program that refuses rows and whatever is newer than this table.
func closing(rows []row) (seccomp.Program, error) {
	return assemble(append(program(rows, true), bpf.RetConstant{Val: retAllow}))
}

// watching is the table's program with the calls on other processes before it.
func watching(m seccomp.Mode) (seccomp.Program, error) {
	rest, err := seccomp.Notify(m, false)
	if err != nil {
		return nil, err
	}
	first, err := assemble(program(others(), false))
	return append(first, rest...), err
}
