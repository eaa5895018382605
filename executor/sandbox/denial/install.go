//go:build linux

package denial

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/seccomp"
)

// ErrUnsupported means that this kernel or an outer sandbox does not allow a listener; run without exact denials.
var ErrUnsupported = errors.New("seccomp user notification unavailable")

// Install puts the filter on the calling thread, which the caller has locked and must let end afterwards, and
// returns its listener. It sets no_new_privs on the thread.
func Install(p seccomp.Program) (*os.File, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("%w: no_new_privs: %w", ErrUnsupported, err)
	}
	const listener = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	// Killable waiting (Linux 5.19) keeps signals such as Go's preemption from restarting a call that was reported.
	fd, err := load(p, listener|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	if errors.Is(err, unix.EINVAL) {
		fd, err = load(p, listener)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: install filter: %w", ErrUnsupported, err)
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "seccomp listener"), nil
}

// Load puts a filter without listener on the calling thread, which has no_new_privs set.
func Load(p seccomp.Program) error {
	_, err := load(p, 0)
	return err
}

func load(p seccomp.Program, flags uintptr) (int, error) {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(&prog)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
