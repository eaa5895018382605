//go:build linux

package native

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

// view makes the whole tree read-only, or an empty one in its place, and lays the job's mounts on top. Everything that is
// shown again is taken from the original tree before anything changes.
func (c *compiler) view(j job) {
	root := c.String("/")
	c.mount("make mounts private", 0, root, 0, unix.MS_REC|unix.MS_PRIVATE, 0)
	ops, base := view.Reach(j.ops, j.dir), view.ReadOnly
	if len(ops) > 0 && ops[0].Path == "/" {
		base, ops = ops[0].Kind, ops[1:]
	}
	trees := c.takeTrees(ops, j.hidden)
	devices := c.takeDevices()
	switch {
	case base == view.Veil:
		c.enterEmptyRoot()
	case base > view.Writable:
		c.readOnly("make the tree read-only", minus(-unix.AT_FDCWD), root, unix.AT_RECURSIVE)
	}
	c.mountDev(devices)
	c.mountProc()
	if base == view.Veil {
		c.leaveOldRoot()
	}
	covers := []view.Op{{Kind: base, Path: "/"}}
	for i, op := range ops {
		if op.Kind != view.Seal {
			c.makePoint(op, covers)
		}
		c.place(op, trees[i])
		if op.Kind != view.Link && op.Kind != view.Folder {
			covers = append(covers, op)
		}
	}
}

// oldRoot is where the original tree stands for a moment: a new /proc needs one that is fully visible.
const oldRoot = "/.old"

// enterEmptyRoot puts an empty tree in the place of the root. /proc is where it is made, being there always.
func (c *compiler) enterEmptyRoot() {
	tmpfs, dot, here := c.String("tmpfs"), c.String("."), minus(-unix.AT_FDCWD)
	c.mount("make an empty tree", tmpfs, c.String("/proc"), tmpfs, unix.MS_NOSUID|unix.MS_NODEV, c.String("mode=0755"))
	c.do("enter the empty tree", unix.SYS_CHDIR, c.String("/proc"))
	c.do("make a place for the old tree", unix.SYS_MKDIRAT, here, c.String(oldRoot[1:]), 0o700)
	c.do("exchange the trees", unix.SYS_PIVOT_ROOT, dot, c.String(oldRoot[1:]))
	c.do("enter the new root", unix.SYS_CHDIR, c.String("/"))
	for _, dir := range []string{"/dev", "/proc"} {
		c.do("make "+dir, unix.SYS_MKDIRAT, here, c.String(dir), 0o755)
	}
}

func (c *compiler) leaveOldRoot() {
	c.do("leave the old tree", unix.SYS_UMOUNT2, c.String(oldRoot), unix.MNT_DETACH)
	c.do("remove its place", unix.SYS_UNLINKAT, minus(-unix.AT_FDCWD), c.String(oldRoot), unix.AT_REMOVEDIR)
}

// makePoint makes what an operation inside a veil is mounted on, with the folders above.
func (c *compiler) makePoint(op view.Op, covers []view.Op) {
	cover := covers[0]
	for _, other := range covers { // parents come first
		if filesystem.Within(op.Path, other.Path) {
			cover = other
		}
	}
	if cover.Kind != view.Veil {
		return
	}
	here := minus(-unix.AT_FDCWD)
	at := strings.TrimSuffix(cover.Path, "/")
	names := strings.Split(op.Path[len(at)+1:], "/")
	for i, name := range names {
		at += "/" + name
		switch last := i == len(names)-1; {
		case last && op.Kind == view.Link:
		case last && op.File:
			c.tolerate(c.do("make "+at, unix.SYS_MKNODAT, here, c.String(at), unix.S_IFREG|0o444), unix.EEXIST)
		default:
			c.tolerate(c.do("make "+at, unix.SYS_MKDIRAT, here, c.String(at), 0o555), unix.EEXIST)
		}
	}
}

// takeTrees opens detached copies of what the operations show.
func (c *compiler) takeTrees(ops []view.Op, hidden string) []uintptr {
	trees := make([]uintptr, len(ops))
	for i, op := range ops {
		source := op.Path
		switch op.Kind {
		case view.HideDir, view.PinLink, view.Veil, view.Seal, view.Link, view.Folder:
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
	case view.Veil:
		c.mount(name, c.String("tmpfs"), c.String(op.Path), c.String("tmpfs"), unix.MS_NOSUID|unix.MS_NODEV, c.String("mode=0111"))
	case view.Seal:
		c.mount("make "+op.Path+" read-only", 0, c.String(op.Path), 0, unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, 0)
	case view.Link:
		c.do("make "+op.Path, unix.SYS_SYMLINKAT, c.String(op.Target), minus(-unix.AT_FDCWD), c.String(op.Path))
	case view.Folder: // made already
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
