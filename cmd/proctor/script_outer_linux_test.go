package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() { programs["outer"] = outer }

// outer runs a command as in a container that forbids something: outer WHAT COMMAND... It is a program of its own, so that the
// filter is not on the tests.
func outer() {
	refused := map[string][]unix.SockFilter{
		"userns": append(refuse(unix.SYS_UNSHARE, 0, 0, unix.EPERM), append(refuse(unix.SYS_CLONE, 0, unix.CLONE_NEWUSER, unix.EPERM), refuse(unix.SYS_CLONE3, 0, 0, unix.ENOSYS)...)...),
		"listen": refuse(unix.SYS_SECCOMP, 1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, unix.EINVAL),
		"ptrace": refuse(unix.SYS_PTRACE, 0, 0, unix.EPERM),
	}
	filter, args := []unix.SockFilter{}, os.Args[1:]
	for len(args) > 0 && refused[args[0]] != nil {
		filter, args = append(filter, refused[args[0]]...), args[1:]
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	runtime.LockOSThread()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	path, err := exec.LookPath(args[0])
	if err == nil {
		err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	if err == nil {
		if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))); errno != 0 {
			err = errno
		}
	}
	if err == nil {
		err = syscall.Exec(path, args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "outer:", err)
	os.Exit(125)
}

// refuse fails a call with errno, with bits only when the argument has one of them.
func refuse(number, arg, bits uint32, errno unix.Errno) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	ret := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	if bits == 0 {
		return []unix.SockFilter{load(0), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1}, ret}
	}
	return []unix.SockFilter{load(0), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 3},
		load(16 + 8*arg), {Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: bits, Jf: 1}, ret}
}
