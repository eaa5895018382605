//go:build linux

package seccomp

import (
	"fmt"
	"maps"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// machine is what differs between architectures.
type machine struct {
	// arch is what the kernel calls it (linux/audit.h).
	arch uint32
	// foreign is the lowest call number that is of another kind of program, or 0 (x32 on amd64).
	foreign uint32
	numbers map[string]int
}

// here is the machine of this program.
var here = sync.OnceValues(func() (machine, error) {
	m := native
	if m.arch == 0 {
		return m, fmt.Errorf("no seccomp filters for %s", runtime.GOARCH)
	}
	m.numbers = maps.Clone(everywhere())
	maps.Copy(m.numbers, ownCalls())
	return m, nil
})

// everywhere are the calls of the table that every architecture has; ownCalls, beside this file, are those that only some have.
func everywhere() map[string]int {
	return map[string]int{
		"accept": unix.SYS_ACCEPT, "accept4": unix.SYS_ACCEPT4, "acct": unix.SYS_ACCT, "add_key": unix.SYS_ADD_KEY,
		"bind": unix.SYS_BIND, "bpf": unix.SYS_BPF, "chroot": unix.SYS_CHROOT, "clock_settime": unix.SYS_CLOCK_SETTIME,
		"clone": unix.SYS_CLONE, "clone3": unix.SYS_CLONE3, "connect": unix.SYS_CONNECT,
		"delete_module": unix.SYS_DELETE_MODULE, "execveat": unix.SYS_EXECVEAT, "fanotify_init": unix.SYS_FANOTIFY_INIT,
		"fchmod": unix.SYS_FCHMOD, "fchmodat": unix.SYS_FCHMODAT, "fchmodat2": unix.SYS_FCHMODAT2,
		"fchown": unix.SYS_FCHOWN, "fchownat": unix.SYS_FCHOWNAT, "finit_module": unix.SYS_FINIT_MODULE,
		"fremovexattr": unix.SYS_FREMOVEXATTR, "fsconfig": unix.SYS_FSCONFIG, "fsetxattr": unix.SYS_FSETXATTR,
		"fsmount": unix.SYS_FSMOUNT, "fsopen": unix.SYS_FSOPEN, "fspick": unix.SYS_FSPICK,
		"getpeername": unix.SYS_GETPEERNAME, "getsockname": unix.SYS_GETSOCKNAME, "getsockopt": unix.SYS_GETSOCKOPT,
		"init_module": unix.SYS_INIT_MODULE, "io_uring_enter": unix.SYS_IO_URING_ENTER,
		"io_uring_register": unix.SYS_IO_URING_REGISTER, "io_uring_setup": unix.SYS_IO_URING_SETUP,
		"ioctl": unix.SYS_IOCTL, "kcmp": unix.SYS_KCMP, "kexec_file_load": unix.SYS_KEXEC_FILE_LOAD,
		"kexec_load": unix.SYS_KEXEC_LOAD, "keyctl": unix.SYS_KEYCTL, "linkat": unix.SYS_LINKAT, "listen": unix.SYS_LISTEN,
		"lookup_dcookie": unix.SYS_LOOKUP_DCOOKIE, "lremovexattr": unix.SYS_LREMOVEXATTR, "lsetxattr": unix.SYS_LSETXATTR,
		"memfd_create": unix.SYS_MEMFD_CREATE, "mkdirat": unix.SYS_MKDIRAT, "mknodat": unix.SYS_MKNODAT,
		"mmap": unix.SYS_MMAP, "mount": unix.SYS_MOUNT, "mount_setattr": unix.SYS_MOUNT_SETATTR,
		"move_mount": unix.SYS_MOVE_MOUNT, "mremap": unix.SYS_MREMAP, "nfsservctl": unix.SYS_NFSSERVCTL,
		"open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT, "open_tree": unix.SYS_OPEN_TREE,
		"open_tree_attr": unix.SYS_OPEN_TREE_ATTR, "openat": unix.SYS_OPENAT, "openat2": unix.SYS_OPENAT2,
		"perf_event_open": unix.SYS_PERF_EVENT_OPEN, "pidfd_getfd": unix.SYS_PIDFD_GETFD,
		"pivot_root": unix.SYS_PIVOT_ROOT, "prctl": unix.SYS_PRCTL, "process_madvise": unix.SYS_PROCESS_MADVISE,
		"process_vm_readv": unix.SYS_PROCESS_VM_READV, "process_vm_writev": unix.SYS_PROCESS_VM_WRITEV,
		"ptrace": unix.SYS_PTRACE, "quotactl": unix.SYS_QUOTACTL, "quotactl_fd": unix.SYS_QUOTACTL_FD,
		"reboot": unix.SYS_REBOOT, "recvmmsg": unix.SYS_RECVMMSG, "removexattr": unix.SYS_REMOVEXATTR,
		"renameat": unix.SYS_RENAMEAT, "renameat2": unix.SYS_RENAMEAT2, "request_key": unix.SYS_REQUEST_KEY,
		"sendmmsg": unix.SYS_SENDMMSG, "sendto": unix.SYS_SENDTO, "setdomainname": unix.SYS_SETDOMAINNAME,
		"sethostname": unix.SYS_SETHOSTNAME, "setns": unix.SYS_SETNS, "setsockopt": unix.SYS_SETSOCKOPT,
		"settimeofday": unix.SYS_SETTIMEOFDAY, "setxattr": unix.SYS_SETXATTR, "shutdown": unix.SYS_SHUTDOWN,
		"socket": unix.SYS_SOCKET, "socketpair": unix.SYS_SOCKETPAIR, "swapoff": unix.SYS_SWAPOFF,
		"swapon": unix.SYS_SWAPON, "symlinkat": unix.SYS_SYMLINKAT, "syslog": unix.SYS_SYSLOG,
		"truncate": unix.SYS_TRUNCATE, "umount2": unix.SYS_UMOUNT2, "unlinkat": unix.SYS_UNLINKAT,
		"unshare": unix.SYS_UNSHARE, "userfaultfd": unix.SYS_USERFAULTFD, "utimensat": unix.SYS_UTIMENSAT,
		"vhangup": unix.SYS_VHANGUP,
	}
}
