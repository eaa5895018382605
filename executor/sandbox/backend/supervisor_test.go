//go:build linux

package backend_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
	"proctor/policy/filesystem"
)

// supervisorMain lets the test binary play other parts: a proctor that gets killed, and a confined program that
// tries one system call. It reports whether it did.
func supervisorMain() bool {
	if ws := os.Getenv("SANDBOX_TEST_SUPERVISE"); ws != "" {
		supervise(ws)
		return true
	}
	if call := os.Getenv("SANDBOX_TEST_CALL"); call != "" {
		os.Exit(attempt(call, os.Getenv("SANDBOX_TEST_ARG")))
	}
	return false
}

// supervise runs a command that never ends, with this process's standard output, until it is killed.
func supervise(ws string) {
	b, err := backend.Select(context.Background(), backend.Options{
		StateDir: filepath.Join(filepath.Dir(ws), "state"), Path: os.Getenv("PATH"), Executable: "/proc/self/exe",
		Only: os.Getenv("SANDBOX_TEST_BACKEND"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := sandbox.Plan(filesystem.Request{Mode: filesystem.WorkspaceWrite, WorkspaceRoots: []string{ws}, ExcludeSlashTmp: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := b.Start(context.Background(), sandbox.Spec{
		Argv: []string{"/bin/sh", "-c", "(setsid sleep 1000) & echo ready; while :; do sleep 1; done"},
		Dir:  ws, Env: os.Environ(), Plan: plan, StdoutFile: os.Stdout,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Wait()
}

// attempt makes one call and returns its errno as exit status, 0 for success.
func attempt(call, arg string) int {
	var err error
	switch call {
	case "tcp":
		err = dial(unix.AF_INET, unix.SOCK_STREAM, nil)
	case "connect-unix": // as C libraries ask a name service, and as Go and Node.js dial
		err = dial(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, &unix.SockaddrUnix{Name: arg})
	case "stream-unix":
		err = dial(unix.AF_UNIX, unix.SOCK_STREAM, nil)
	case "datagram-unix":
		err = dial(unix.AF_UNIX, unix.SOCK_DGRAM, nil)
	case "pair":
		_, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	case "pair-datagram":
		_, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	case "vsock":
		err = dial(unix.AF_VSOCK, unix.SOCK_STREAM, nil)
	case "packet":
		err = dial(unix.AF_PACKET, unix.SOCK_RAW, nil)
	case "ptrace":
		err = errnoOf(unix.RawSyscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0))
	case "io_uring":
		err = errnoOf(unix.RawSyscall(unix.SYS_IO_URING_SETUP, 2, 0, 0))
	case "keyctl":
		err = errnoOf(unix.RawSyscall(unix.SYS_KEYCTL, 0, 0, 0))
	case "bpf":
		err = errnoOf(unix.RawSyscall(unix.SYS_BPF, 0, 0, 0))
	case "mount-silent":
		err = unix.Mount("x", "/mnt", "tmpfs", unix.MS_SILENT, "")
	case "unshare":
		err = unix.Unshare(unix.CLONE_NEWUSER)
	case "connect-tcp":
		err = connectTCP(arg)
	}
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &errno):
		return int(errno)
	default:
		return 255
	}
}

func errnoOf(_, _ uintptr, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func dial(family, kind int, to unix.Sockaddr) error {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil || to == nil {
		return err
	}
	return unix.Connect(fd, to)
}

func connectTCP(port string) error {
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		return err
	}
	return dial(unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}})
}
