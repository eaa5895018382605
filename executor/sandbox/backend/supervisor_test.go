//go:build linux

package backend_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

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
	case "mount":
		err = unix.Mount("x", arg, "tmpfs", 0, "")
	case "umount":
		err = unix.Unmount(arg, 0)
	case "chroot":
		err = unix.Chroot(arg)
	case "setns":
		err = unix.Setns(0, 0)
	case "clone3":
		err = errnoOf(unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0))
	case "vm-readv":
		err = errnoOf(unix.RawSyscall(unix.SYS_PROCESS_VM_READV, 1, 0, 0))
	case "perf":
		err = errnoOf(unix.RawSyscall(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0))
	case "userfaultfd":
		err = errnoOf(unix.RawSyscall(unix.SYS_USERFAULTFD, 0, 0, 0))
	case "hostname":
		err = unix.Sethostname([]byte("x"))
	case "settime":
		err = unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{})
	case "add-key":
		err = errnoOf(unix.RawSyscall(unix.SYS_ADD_KEY, 0, 0, 0))
	case "typing":
		err = errnoOf(unix.RawSyscall(unix.SYS_IOCTL, 0, unix.TIOCSTI, 0))
	case "typing-high":
		err = errnoOf(unix.RawSyscall(unix.SYS_IOCTL, 0, 1<<32|unix.TIOCSTI, 0))
	case "udp":
		fd, e := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		_, err = fd, e
	case "raw":
		_, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW, 1)
	case "netlink":
		_, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)
	case "alg":
		_, err = unix.Socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)
	case "setuid-open":
		_, err = unix.Open(arg, unix.O_CREAT|unix.O_WRONLY, 0o4755)
	case "setuid-openat2":
		_, err = unix.Openat2(unix.AT_FDCWD, arg, &unix.OpenHow{Flags: unix.O_CREAT | unix.O_WRONLY, Mode: 0o4755})
	case "openat2":
		_, err = unix.Openat2(unix.AT_FDCWD, arg, &unix.OpenHow{Flags: unix.O_CREAT | unix.O_WRONLY, Mode: 0o644})
	case "socket-file":
		err = unix.Mknod(arg, unix.S_IFSOCK|0o600, 0)
	case "device":
		err = unix.Mknod(arg, unix.S_IFBLK|0o600, 8<<8)
	case "chown":
		err = unix.Chown(arg, os.Getuid()+1, -1)
	case "chown-self":
		err = unix.Chown(arg, os.Getuid(), os.Getgid())
	case "memory-program":
		err = runMemory(0)
	case "memory-program-exec":
		err = runMemory(unix.MFD_EXEC)
	case "allocate":
		_, err = unix.Mmap(-1, 0, 1<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	case "reserve":
		_, err = unix.Mmap(-1, 0, 1<<36, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	case "swap":
		err = swap(arg)
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

// runMemory replaces this process by a program in a memory file.
func runMemory(flags int) error {
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("program", flags)
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, program); err != nil {
		return err
	}
	if err := unix.Fchmod(fd, 0o755); err == nil {
		return errors.New("the file was made executable")
	}
	empty, argv := [1]byte{}, [2]*byte{new(byte), nil}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), uintptr(unsafe.Pointer(&argv[0])),
		uintptr(unsafe.Pointer(&argv[1])), unix.AT_EMPTY_PATH, 0)
	return errno
}

// swap opens for writing while another thread swaps the path between a file of its own and one that is denied. It
// fails when a denied file could be opened, or nothing ever could.
func swap(dirs string) error {
	own, denied, _ := strings.Cut(dirs, ":")
	if len(own) != len(denied) {
		return unix.EINVAL
	}
	path := append([]byte(own), 0)
	stop := make(chan bool)
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				copy(path, denied)
				copy(path, own)
			}
		}
	}()
	opened := 0
	for range 300 {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&path[0])), unix.O_WRONLY, 0, 0, 0)
		if errno != 0 {
			continue
		}
		opened++
		if _, err := unix.Write(int(fd), []byte("x")); err != nil {
			return err
		}
		unix.Close(int(fd))
	}
	close(stop)
	<-done
	if opened == 0 {
		return unix.EAGAIN
	}
	return nil
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
