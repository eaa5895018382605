package seccomp

// privilegedCalls gain power over other processes, the kernel or the view of the file system. Most would fail for
// want of a capability anyway; refusing them here also covers what a new user namespace would allow.
func privilegedCalls() []Call {
	refuse := func(access string, names ...string) []Call {
		var out []Call
		for _, n := range names {
			out = append(out, Call{Name: n, Class: Refused, Access: access})
		}
		return out
	}
	out := []Call{
		{Name: "clone3", Class: Absent},
		{Name: "clone", Class: Refused, Access: "namespace", When: when(bits(0, newSpaces))},
		{Name: "unshare", Class: Refused, Access: "namespace", When: when(bits(0, newSpaces|0x80))}, // 0x80 is CLONE_NEWTIME
		{Name: "mount", Class: Refused, Access: "mount", Paths: []Arg{at(1)}, When: when(noBits(3, mountSilence))},
		{Name: "mount", Class: Silent, When: when(bits(3, mountSilence))},
		{Name: "umount2", Class: Refused, Access: "mount", Paths: []Arg{at(0)}},
		{Name: "pivot_root", Class: Refused, Access: "mount", Paths: []Arg{at(0)}},
		{Name: "chroot", Class: Refused, Access: "mount", Paths: []Arg{at(0)}},
	}
	out = append(out, refuse("namespace", "setns")...)
	out = append(out, refuse("mount", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr")...)
	out = append(out, refuse("trace", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd")...)
	out = append(out, refuse("io_uring", "io_uring_setup", "io_uring_enter", "io_uring_register")...)
	out = append(out, refuse("keyring", "keyctl", "add_key", "request_key")...)
	return append(out, refuse("kernel", "bpf", "perf_event_open", "userfaultfd", "fanotify_init", "open_by_handle_at",
		"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
		"sethostname", "setdomainname", "settimeofday", "clock_settime", "acct", "quotactl", "iopl", "ioperm")...)
}
