//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// privilegedCalls gain power over other processes, the kernel or the view of the file system. Most would fail for
// want of a capability anyway; refusing them here also covers what a new user namespace would allow.
func privilegedCalls() []Call {
	closed := func(access string, names ...string) []Call {
		out := make([]Call, 0, len(names))
		for _, n := range names {
			out = append(out, refuse(n, access, RulePrivilegedCall))
		}
		return out
	}
	out := []Call{
		{Name: "clone3", Class: Absent},
		refuse("clone", "namespace", RulePrivilegedCall).only(bits(0, newSpaces)),
		refuse("unshare", "namespace", RulePrivilegedCall).only(bits(0, newSpaces|unix.CLONE_NEWTIME)),
		refuse("mount", "mount", RulePrivilegedCall, at(1)).only(noBits(3, mountSilence)),
		{Name: "mount", Class: Silent, When: when(bits(3, mountSilence))},
		refuse("umount2", "mount", RulePrivilegedCall, at(0)),
		refuse("pivot_root", "mount", RulePrivilegedCall, at(0)),
		refuse("chroot", "mount", RulePrivilegedCall, at(0)),
		refuse("swapon", "kernel", RulePrivilegedCall, at(0)),
		refuse("swapoff", "kernel", RulePrivilegedCall, at(0)),
		// Typing into the terminal, as if the user had.
		refuse("ioctl", "terminal", RulePrivilegedCall, fd(0)).only(word(1, unix.TIOCSTI)),
		refuse("ioctl", "terminal", RulePrivilegedCall, fd(0)).only(word(1, tioclinux)),
	}
	out = append(out, closed("namespace", "setns")...)
	out = append(out, closed("mount", "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "fanotify_init")...)
	out = append(out, closed("trace", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "process_madvise", "kcmp")...)
	out = append(out, closed("io_uring", "io_uring_setup", "io_uring_enter", "io_uring_register")...)
	out = append(out, closed("keyring", "keyctl", "add_key", "request_key")...)
	return append(out, closed("kernel", "bpf", "perf_event_open", "userfaultfd", "open_by_handle_at", "lookup_dcookie", "syslog",
		"init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot",
		"sethostname", "setdomainname", "settimeofday", "clock_settime", "acct", "quotactl", "quotactl_fd", "nfsservctl", "_sysctl", "uselib", "vhangup",
		"iopl", "ioperm")...)
}

// tioclinux is TIOCLINUX (asm-generic/ioctls.h): it can paste into a virtual console.
const tioclinux = 0x541c
