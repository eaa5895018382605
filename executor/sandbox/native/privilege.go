package native

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

// dropPrivileges gives up every capability in every set and bars programs from regaining any: for the calling
// thread, which starts the command, and in a cgo-free build for all threads of the helper. (With cgo the runtime
// cannot reach the others; they stay out of the command's reach: ptrace is refused and /proc is read-only.)
func dropPrivileges() error {
	for c := uintptr(0); c <= maxCapability; c++ {
		// EINVAL: above the last capability of this kernel.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("drop capability %d from the bounding set: %w", c, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	for _, step := range []struct {
		name             string
		trap, a1, a2, a3 uintptr
	}{
		{"clear ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0},
		{"drop capabilities", unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0},
		{"set no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0},
	} {
		if _, _, errno := unix.RawSyscall6(step.trap, step.a1, step.a2, step.a3, 0, 0, 0); errno != 0 {
			return fmt.Errorf("%s: %w", step.name, errno)
		}
		if _, _, errno := syscall.AllThreadsSyscall6(step.trap, step.a1, step.a2, step.a3, 0, 0, 0); errno != 0 && errno != syscall.ENOTSUP {
			return fmt.Errorf("%s on all threads: %w", step.name, errno)
		}
	}
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&none)
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
