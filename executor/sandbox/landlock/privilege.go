//go:build linux

package landlock

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxCapability is the highest number a kernel can have: the sets have 64 bits.
const maxCapability = 63

// dropPrivileges gives up every capability of the whole process and bars programs from regaining any, so that neither
// the broker nor the command has more rights than the user. It needs a cgo-free build.
func dropPrivileges() error {
	for c := uintptr(0); c <= maxCapability; c++ {
		// EINVAL: above the last capability of this kernel. EPERM: an ordinary user; no_new_privs makes the set void.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("drop capability %d from the bounding set: %w", c, err)
		}
	}
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
		if _, _, errno := syscall.AllThreadsSyscall6(step.trap, step.a1, step.a2, step.a3, 0, 0, 0); errno != 0 {
			return fmt.Errorf("%s: %w", step.name, errno)
		}
	}
	return nil
}
