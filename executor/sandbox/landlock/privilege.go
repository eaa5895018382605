//go:build linux

package landlock

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxCapability is the highest number a kernel can have: the sets have 64 bits.
const maxCapability = 63

// dropPrivileges gives up every capability of the whole process and bars programs from regaining any, so that neither
// the broker nor the command has more rights than the user. A build with cgo cannot tell all its threads: there this thread
// gives them up and starts the program anew, which then finds that it has none.
func dropPrivileges() error {
	if os.Args[0] == droppedArg0 {
		return dropped()
	}
	for c := uintptr(0); c <= maxCapability; c++ {
		// EINVAL: above the last capability of this kernel. EPERM: an ordinary user; no_new_privs makes the set void.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("drop capability %d from the bounding set: %w", c, err)
		}
	}
	err := giveUp(func(trap, a1, a2, a3 uintptr) syscall.Errno {
		_, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, a3, 0, 0, 0)
		return errno
	})
	if !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	err = giveUp(func(trap, a1, a2, a3 uintptr) syscall.Errno {
		_, _, errno := syscall.RawSyscall6(trap, a1, a2, a3, 0, 0, 0)
		return errno
	})
	for _, fd := range []uintptr{fdJob, fdControl} {
		if err == nil {
			_, err = unix.FcntlInt(fd, unix.F_SETFD, 0)
		}
	}
	if err == nil {
		err = unix.Exec("/proc/self/exe", []string{droppedArg0}, nil)
	}
	return fmt.Errorf("start anew without capabilities: %w", err)
}

// giveUp makes the calls, each by call. Their arguments stay where they are meanwhile.
func giveUp(call func(trap, a1, a2, a3 uintptr) syscall.Errno) error {
	header, none := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, new([2]unix.CapUserData)
	var held runtime.Pinner // their addresses wait in the table below
	defer held.Unpin()
	held.Pin(header)
	held.Pin(none)
	for _, step := range []struct {
		name             string
		trap, a1, a2, a3 uintptr
	}{
		{"clear ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0},
		{"drop capabilities", unix.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(none)), 0},
		{"set no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0},
	} {
		if errno := call(step.trap, step.a1, step.a2, step.a3); errno != 0 {
			return fmt.Errorf("%s: %w", step.name, errno)
		}
	}
	return nil
}

// dropped makes sure of what the program before this one did.
func dropped() error {
	header, has := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, new([2]unix.CapUserData)
	if err := unix.Capget(header, &has[0]); err != nil {
		return fmt.Errorf("look for capabilities: %w", err)
	}
	if *has != [2]unix.CapUserData{} {
		return fmt.Errorf("capabilities came back: %+v", *has)
	}
	barred, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err == nil && barred != 1 {
		err = errors.New("it is not set")
	}
	if err != nil {
		return fmt.Errorf("look for no_new_privs: %w", err)
	}
	return nil
}
