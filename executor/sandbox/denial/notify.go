//go:build linux

package denial

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures and requests of seccomp_unotify(2).
type notification struct {
	ID    uint64
	PID   uint32 // the calling thread, in the PID namespace of the listener
	Flags uint32
	Data  struct {
		Number      int32
		Arch        uint32
		Instruction uint64
		Args        [6]uint64
	}
}

type response struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

type addition struct {
	ID                           uint64
	Flags, Source, New, NewFlags uint32
}

const (
	requestAdd      = 0x40182103
	requestReceive  = 0xc0502100
	requestSend     = 0xc0182101
	requestValid    = 0x40082102
	requestSetFlags = 0x40082104
	syncWakeUp      = 1
)

type listener int

// receive waits for the next call. It returns unix.ENOENT when the caller died meanwhile.
func (l listener) receive(n *notification) error {
	*n = notification{}
	return ioctl(int(l), requestReceive, unsafe.Pointer(n))
}

func (l listener) proceed(id uint64) error {
	r := response{ID: id, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	// Never waits for anything, so the scheduler need not hear of it.
	if _, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(l), requestSend, uintptr(unsafe.Pointer(&r))); errno == unix.EINTR {
		return ioctl(int(l), requestSend, unsafe.Pointer(&r))
	} else if errno != 0 {
		return errno
	}
	return nil
}

func (l listener) refuse(id uint64, errno unix.Errno) error { return l.respond(id, 0, errno) }

func (l listener) respond(id uint64, value int64, errno unix.Errno) error {
	r := response{ID: id, Value: value, Error: -int32(errno)}
	return ioctl(int(l), requestSend, unsafe.Pointer(&r))
}

// give answers a call with a copy of our descriptor fd. In two steps: adding and answering in one (SECCOMP_ADDFD_FLAG_SEND)
// answers 0 when a signal comes in between.
func (l listener) give(id uint64, fd int, closeOnExec bool) error {
	a := addition{ID: id, Source: uint32(fd)}
	if closeOnExec {
		a.NewFlags = unix.O_CLOEXEC
	}
	for {
		got, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l), requestAdd, uintptr(unsafe.Pointer(&a)))
		switch errno {
		case 0:
			r := response{ID: id, Value: int64(got)}
			return ioctl(int(l), requestSend, unsafe.Pointer(&r))
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// valid reports whether the caller still waits, so that what was read belongs to it and not to a reused PID.
func (l listener) valid(id uint64) bool {
	return ioctl(int(l), requestValid, unsafe.Pointer(&id)) == nil
}

// wakeTogether asks the kernel to run caller and supervisor on one CPU (Linux 6.6); older kernels refuse, which is fine.
func (l listener) wakeTogether() {
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(l), requestSetFlags, syncWakeUp)
}

// ioctl takes a pointer, not a number: what lies on a stack moves when the stack grows.
func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		if errno == 0 {
			return nil
		}
		if !errors.Is(errno, unix.EINTR) {
			return errno
		}
	}
}
