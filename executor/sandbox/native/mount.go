package native

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/view"
)

// buildView makes the whole tree read-only and lays the job's mounts on top. Everything that is shown again
// is taken from the original tree before anything changes.
func buildView(j job) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	trees, err := takeTrees(j)
	if err != nil {
		return err
	}
	devices, err := takeDevices()
	if err != nil {
		return err
	}
	rootWritable := len(j.Ops) > 0 && j.Ops[0].Path == "/" && j.Ops[0].Kind <= view.Writable
	if !rootWritable {
		if err := readOnly(unix.AT_FDCWD, "/"); err != nil {
			return fmt.Errorf("make the tree read-only: %w", err)
		}
	}
	if err := mountDev(devices); err != nil {
		return err
	}
	for i, op := range j.Ops {
		if op.Path == "/" {
			continue
		}
		if err := place(op, trees[i]); err != nil {
			return fmt.Errorf("mount on %s: %w", op.Path, err)
		}
	}
	return mountProc()
}

// takeTrees opens detached copies of what the operations show.
func takeTrees(j job) ([]int, error) {
	trees := make([]int, len(j.Ops))
	for i, op := range j.Ops {
		trees[i] = -1
		source := op.Path
		switch op.Kind {
		case view.HideDir, view.PinLink:
			continue
		case view.HideFile:
			source = j.Hidden
		default: // the path itself
		}
		if op.Path == "/" {
			continue
		}
		tree, err := clone(source)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", source, err)
		}
		if op.Kind > view.Writable {
			if err := readOnly(tree, ""); err != nil {
				return nil, fmt.Errorf("make %s read-only: %w", source, err)
			}
		}
		trees[i] = tree
	}
	return trees, nil
}

// clone does not follow a last symlink: it would have appeared after the plan was made.
func clone(path string) (int, error) {
	return unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW)
}

func readOnly(fd int, path string) error {
	flags := uint(unix.AT_RECURSIVE)
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	return unix.MountSetattr(fd, path, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

func place(op view.Op, tree int) error {
	switch op.Kind {
	case view.HideDir:
		return unix.Mount("tmpfs", op.Path, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "mode=000")
	case view.PinLink:
		return pinLink(op.Path)
	default:
		return attach(tree, op.Path)
	}
}

func attach(tree int, path string) error {
	defer unix.Close(tree)
	return unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// pinLink mounts a symlink on itself: a mount point cannot be renamed or removed. The kernel resolves the magic
// link of the descriptor to the symlink, not to its target.
func pinLink(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	self := "/proc/self/fd/" + strconv.Itoa(fd)
	return unix.Mount(self, self, "", unix.MS_BIND, "")
}

// devices of the private /dev, the same set as bubblewrap's.
func deviceNames() []string { return []string{"null", "zero", "full", "random", "urandom", "tty"} }

func takeDevices() (map[string]int, error) {
	out := map[string]int{}
	for _, name := range deviceNames() {
		tree, err := clone("/dev/" + name)
		if err != nil {
			return nil, fmt.Errorf("open /dev/%s: %w", name, err)
		}
		out[name] = tree
	}
	return out, nil
}

func mountDev(devices map[string]int) error {
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	for _, name := range deviceNames() {
		path := filepath.Join("/dev", name)
		if err := os.WriteFile(path, nil, 0o666); err != nil { //nolint:gosec // a device node, as every /dev has it
			return err
		}
		if err := attach(devices[name], path); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	for link, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"} {
		if err := os.Symlink(target, "/dev/"+link); err != nil {
			return err
		}
	}
	if err := os.Mkdir("/dev/shm", 0o777); err != nil { //nolint:gosec // sticky, below
		return err
	}
	if err := os.Chmod("/dev/shm", 0o777|os.ModeSticky); err != nil {
		return err
	}
	if err := os.Mkdir("/dev/pts", 0o755); err != nil { //nolint:gosec // a mount point
		return err
	}
	if err := unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"); err != nil {
		return fmt.Errorf("mount /dev/pts: %w", err)
	}
	return nil
}

// mountProc shows the new PID namespace, read-only: root's sysctls are the host's.
func mountProc() error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return fmt.Errorf("mount /proc (needs a fully visible /proc outside): %w", err)
	}
	if err := unix.Mount("", "/proc", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, ""); err != nil {
		return fmt.Errorf("make /proc read-only: %w", err)
	}
	return nil
}
