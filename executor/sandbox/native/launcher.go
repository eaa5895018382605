//go:build linux

package native

import (
	"fmt"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/steps"
)

// launcher are the steps of the first process: it makes the namespaces and, as a child of its own parent, the init.
func (c *compiler) launcher(j job) {
	c.do("keep the control socket from the command", unix.SYS_FCNTL, fdControl, unix.F_SETFD, unix.FD_CLOEXEC)
	flags := unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC
	if !j.network {
		flags |= unix.CLONE_NEWNET
	}
	c.do("make namespaces", unix.SYS_UNSHARE, uintptr(flags))
	c.put("/proc/self/setgroups", "deny")
	c.put("/proc/self/uid_map", fmt.Sprintf("%d %d 1\n", j.uid, j.uid))
	c.put("/proc/self/gid_map", fmt.Sprintf("%d %d 1\n", j.gid, j.gid))
	pid := c.Words(0)
	fork := c.Add(steps.Step{Name: "start the init", Call: unix.SYS_CLONE, Args: [6]uintptr{unix.CLONE_PARENT | uintptr(unix.SIGCHLD)},
		Keep: pid})
	c.At(fork).Positive = c.Next()
	c.write("announce the init", pid, sizeBorn)
	c.exit(0)
	c.At(fork).Then = c.Next()
}

// put writes a file in one call.
func (c *compiler) put(path, content string) {
	fd := c.open("open "+path, unix.SYS_OPENAT, minus(-unix.AT_FDCWD), c.String(path), unix.O_WRONLY|unix.O_CLOEXEC)
	step := c.do("write "+path, unix.SYS_WRITE, fd, c.String(content), uintptr(len(content)))
	c.At(step).Want = int64(len(content))
	c.closeLast()
}

// pidOne are the steps of the second process, PID 1 of the new namespace.
func (c *compiler) pidOne(j job) {
	c.do("die with the parent", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	// If the parent died before that call its end of the socket is closed by now.
	poll := c.Bytes([]byte{fdControl, 0, 0, 0, 0, 0, 0, 0})
	c.do("see that the parent lives", unix.SYS_PPOLL, poll, 1, c.Words(0, 0))
	if j.proxied {
		inlet.Up(c.Program, c.free)
		inlet.Add(c.Program, fdControl, c.free, j.inlet...)
	}
	c.view(j)
	c.do("enter working directory", unix.SYS_CHDIR, c.String(j.dir))
	c.dropPrivileges()
	c.closeFrom(fdFree)

	started := c.message(packetStarted)
	fork := c.Add(steps.Step{Name: "start the command's process", Call: unix.SYS_CLONE,
		Args: [6]uintptr{unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | uintptr(unix.SIGCHLD), 0, started.right}})
	// Back here the command has been executed, or its process is gone after it reported why not.
	c.At(fork).Positive = c.Next()
	c.send("announce the command", started)
	c.do("close the standard streams", unix.SYS_CLOSE_RANGE, 0, 2)
	c.closeFrom(fdFree)
	status := c.Words(0)
	wait := c.do("wait for the command", unix.SYS_WAIT4, minus(1), status)
	c.At(wait).Positive = wait // an orphan
	c.At(fork).Keep = steps.Want(wait)
	c.write("report the end", status, sizeEnded)
	c.exit(0)
	c.At(fork).Then = c.Next()
}
