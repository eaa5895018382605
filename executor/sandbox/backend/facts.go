//go:build linux

package backend

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/landlock"
)

// Facts are what the kernel and whatever surrounds this process allow, for a report to people.
func Facts() []Fact {
	abi := landlock.ABI()
	out := []Fact{
		{"user namespaces", userNamespaces(), ""},
		{"seccomp notification", landlock.CanWatch(), ""},
		{"landlock", abi > 0, fmt.Sprintf("ABI %d", abi)},
	}
	for i, detail := range []string{
		"needed by native and bwrap; " + adviceNamespaces,
		"needed for exact denials, and by landlock for writable folders; not allowed here, or an outer sandbox has one already",
		"needed by landlock; not in this kernel, or not among its security modules (lsm=)",
	} {
		if !out[i].OK {
			out[i].Detail = detail
		} else if out[i].Detail == "" {
			out[i].Detail = "allowed"
		}
	}
	l := sandbox.DefaultLimits()
	return append(out, Fact{"limits", true, fmt.Sprintf("%d processes, %d MiB a request for memory, %d open files, core files %d bytes",
		l.Processes, l.Allocation>>20, l.OpenFiles, l.Core)})
}

// userNamespaces tries, since settings and filters in many places may forbid it.
func userNamespaces() bool {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{nothingArg0}
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
	return cmd.Run() == nil
}

// nothingArg0 is argv[0] of a process that ends at once.
const nothingArg0 = "proctor-sandbox-nothing"

// nothing ends this process when it was started for that.
func nothing() {
	if len(os.Args) == 1 && os.Args[0] == nothingArg0 {
		os.Exit(0)
	}
}

// surroundings change when what a probe found out may not hold any more: another container, an outer sandbox, a sysctl.
func surroundings() string {
	var out []string
	for _, link := range []string{"user", "mnt", "pid"} {
		s, _ := os.Readlink("/proc/self/ns/" + link)
		out = append(out, s)
	}
	for _, file := range []string{"user/max_user_namespaces", "kernel/unprivileged_userns_clone", "kernel/apparmor_restrict_unprivileged_userns",
		"kernel/yama/ptrace_scope"} {
		b, _ := os.ReadFile("/proc/sys/" + file)
		out = append(out, strings.TrimSpace(string(b)))
	}
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "CapEff", "NoNewPrivs", "Seccomp", "Seccomp_filters":
			out = append(out, strings.TrimSpace(value))
		}
	}
	return strings.Join(append(out, reached()...), " ")
}

// reached makes calls that fail in any case, and says with which error: that of the kernel, or that of an outer filter which refuses
// them. Filters of the same number may refuse different things, and nothing else tells them apart.
func reached() (out []string) {
	for _, call := range [][4]uintptr{
		{unix.SYS_UNSHARE, unix.CLONE_NEWUSER | unix.CLONE_SIGHAND | unix.CLONE_VM},                // EINVAL: this process has several threads
		{unix.SYS_PTRACE, unix.PTRACE_CONT, 0},                                                     // ESRCH: there is no process 0
		{unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, 0}, // EFAULT: there is no program at 0
	} {
		_, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3])
		out = append(out, strconv.Itoa(int(errno)))
	}
	return out
}
