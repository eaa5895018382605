//go:build linux

package native

import (
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/steps"
)

// seccompListener asks for the listener of a filter.
const seccompListener = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER

// command are the steps of the third process, which shares memory with the init until it executes the command.
// From its first filter on it makes only calls that no filter stops: sendmsg, seccomp, execve, write, exit_group.
func (c *compiler) command(j job) {
	c.At(c.do("start a session", unix.SYS_SETSID)).Positive = c.Next()
	if j.tty {
		c.do("take the terminal", unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 0)
	}
	for _, r := range j.limits {
		c.do("limit "+r.Name, unix.SYS_PRLIMIT64, 0, uintptr(r.Which), c.Words(uintptr(r.Value.Cur), uintptr(r.Value.Max)))
	}
	enforce := c.filterProgram(j.filters.Enforce)
	var watching []uintptr
	if j.supervise {
		listener := c.message(packetListener)
		watch := c.filterProgram(j.filters.Notify.Bytes())
		// Killable waiting (Linux 5.19) keeps signals from restarting a call that was reported.
		for _, flags := range []uintptr{seccompListener | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, seccompListener} {
			step := c.seccomp("watch calls", watch, flags)
			c.At(step).Keep, c.At(step).Want = listener.right, fdFree
			c.At(step).Fail = c.Next()
			watching = append(watching, step)
		}
		// No listener on this kernel or below an outer sandbox: enforce, and the result says that nothing was watched.
		unwatched := c.seccomp("install filter", enforce, 0)
		for _, step := range watching {
			c.At(step).Then = c.Next()
		}
		c.send("hand over the listener", listener)
		c.seccomp("install filter", c.filterProgram(j.filters.Quiet), 0)
		c.At(unwatched).Then = c.Next()
	} else {
		c.seccomp("install filter", enforce, 0)
	}
	c.do("execute", unix.SYS_EXECVE, c.String(j.path), c.Strings(j.args), c.Strings(j.env))
}

// filterProgram is a struct sock_fprog.
func (c *compiler) filterProgram(filter []byte) uintptr {
	const instruction = 8
	return c.Words(uintptr(len(filter)/instruction), c.Bytes(filter))
}

func (c *compiler) seccomp(name string, program, flags uintptr) uintptr {
	return c.Add(steps.Step{Name: name, Call: unix.SYS_SECCOMP, Args: [6]uintptr{unix.SECCOMP_SET_MODE_FILTER, flags, program}})
}

// dropPrivileges gives up every capability in every set and bars programs from regaining any.
func (c *compiler) dropPrivileges() {
	const maxCapability = 63 // the highest number a kernel can have: the sets have 64 bits
	for n := uintptr(0); n <= maxCapability; n++ {
		// EINVAL: above the last capability of this kernel.
		c.tolerate(c.do("drop a capability from the bounding set", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, n), unix.EINVAL)
	}
	c.do("clear ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	header := c.Words(unix.LINUX_CAPABILITY_VERSION_3)
	c.do("drop capabilities", unix.SYS_CAPSET, header, c.Words(0, 0, 0))
	c.do("set no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	c.do("keep the init's memory to itself", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
}
