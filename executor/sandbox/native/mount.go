//go:build linux

package native

import (
	"strconv"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/view"
)

// view makes the whole tree read-only and lays the job's mounts on top. Everything that is shown again is taken from
// the original tree before anything changes.
func (c *compiler) view(j job) {
	root := c.String("/")
	c.mount("make mounts private", 0, root, 0, unix.MS_REC|unix.MS_PRIVATE, 0)
	ops := j.ops
	rootWritable := len(ops) > 0 && ops[0].Path == "/" && ops[0].Kind <= view.Writable
	if len(ops) > 0 && ops[0].Path == "/" {
		ops = ops[1:]
	}
	trees := c.takeTrees(ops, j.hidden)
	devices := c.takeDevices()
	if !rootWritable {
		c.readOnly("make the tree read-only", minus(-unix.AT_FDCWD), root, unix.AT_RECURSIVE)
	}
	c.mountDev(devices)
	for i, op := range ops {
		c.place(op, trees[i])
	}
	c.mountProc()
}

// takeTrees opens detached copies of what the operations show.
func (c *compiler) takeTrees(ops []view.Op, hidden string) []uintptr {
	trees := make([]uintptr, len(ops))
	for i, op := range ops {
		source := op.Path
		switch op.Kind {
		case view.HideDir, view.PinLink:
			continue
		case view.HideFile:
			source = hidden
		default: // the path itself
		}
		trees[i] = c.clone(source)
		if op.Kind > view.Writable {
			c.readOnly("make "+source+" read-only", trees[i], c.String(""), unix.AT_RECURSIVE|unix.AT_EMPTY_PATH)
		}
	}
	return trees
}

// clone does not follow a last symlink: it would have appeared after the plan was made.
func (c *compiler) clone(path string) uintptr {
	return c.open("open "+path, unix.SYS_OPEN_TREE, minus(-unix.AT_FDCWD), c.String(path),
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW)
}

func (c *compiler) readOnly(name string, fd, path, flags uintptr) {
	const sizeOfAttributes = 32
	c.do(name, unix.SYS_MOUNT_SETATTR, fd, path, flags, c.Words(unix.MOUNT_ATTR_RDONLY, 0, 0, 0), sizeOfAttributes)
}

func (c *compiler) place(op view.Op, tree uintptr) {
	name := "mount on " + op.Path
	switch op.Kind {
	case view.HideDir:
		c.mount(name, c.String("tmpfs"), c.String(op.Path), c.String("tmpfs"), unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, c.String("mode=000"))
	case view.PinLink:
		c.pinLink(name, op.Path)
	default:
		c.attach(name, tree, op.Path)
	}
}

func (c *compiler) attach(name string, tree uintptr, path string) {
	c.do(name, unix.SYS_MOVE_MOUNT, tree, c.String(""), minus(-unix.AT_FDCWD), c.String(path), unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// pinLink mounts a symlink on itself: a mount point cannot be renamed or removed. The kernel resolves the magic
// link of the descriptor to the symlink, not to its target.
func (c *compiler) pinLink(name, path string) {
	fd := c.open("open "+path, unix.SYS_OPENAT, minus(-unix.AT_FDCWD), c.String(path), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	self := c.String("/proc/self/fd/" + strconv.Itoa(int(fd)))
	c.mount(name, self, self, 0, unix.MS_BIND, 0)
}

func (c *compiler) mount(name string, source, target, kind, flags, options uintptr) {
	c.do(name, unix.SYS_MOUNT, source, target, kind, flags, options)
}

// devices of the private /dev, the same set as bubblewrap's.
func deviceNames() []string { return []string{"null", "zero", "full", "random", "urandom", "tty"} }

func (c *compiler) takeDevices() []uintptr {
	var out []uintptr
	for _, name := range deviceNames() {
		out = append(out, c.clone("/dev/"+name))
	}
	return out
}

func (c *compiler) mountDev(devices []uintptr) {
	here, tmpfs := minus(-unix.AT_FDCWD), c.String("tmpfs")
	c.mount("mount /dev", tmpfs, c.String("/dev"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, c.String("mode=0755"))
	for i, name := range deviceNames() {
		path := "/dev/" + name
		c.do("make "+path, unix.SYS_MKNODAT, here, c.String(path), unix.S_IFREG|0o666)
		c.attach("mount "+path, devices[i], path)
	}
	for _, link := range [][2]string{{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
		{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"}} {
		c.do("make /dev/"+link[0], unix.SYS_SYMLINKAT, c.String(link[1]), here, c.String("/dev/"+link[0]))
	}
	shm := c.String("/dev/shm")
	c.do("make /dev/shm", unix.SYS_MKDIRAT, here, shm, 0o777)
	c.do("open /dev/shm to all", unix.SYS_FCHMODAT, here, shm, 0o777|unix.S_ISVTX)
	pts, devpts := c.String("/dev/pts"), c.String("devpts")
	c.do("make /dev/pts", unix.SYS_MKDIRAT, here, pts, 0o755)
	c.mount("mount /dev/pts", devpts, pts, devpts, unix.MS_NOSUID|unix.MS_NOEXEC, c.String("newinstance,ptmxmode=0666,mode=620"))
}

// mountProc shows the new PID namespace, read-only: root's sysctls are the host's.
func (c *compiler) mountProc() {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	proc, path := c.String("proc"), c.String("/proc")
	c.mount("mount /proc (needs a fully visible /proc outside)", proc, path, proc, flags, 0)
	c.mount("make /proc read-only", 0, path, 0, unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, 0)
}
