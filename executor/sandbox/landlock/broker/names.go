//go:build linux

package broker

import (
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
)

// create prepares for a new name: what exists already, or may not be, is answered.
func (c call) create(dir, path int) (p place, a denial.Answer, ok bool) {
	p, errno := c.at(dir, path, entry)
	switch {
	case errno != 0:
		return p, fails(errno), false
	case p.exists:
		p.close()
		return p, fails(unix.EEXIST), false
	}
	if r := c.broker.judge.entry(p.full); r.yes() {
		p.close()
		return p, c.refuse(r, p.full, "create"), false
	}
	return p, denial.Answer{}, true
}

func mkdir(c call) denial.Answer   { return c.mkdir(-1, 0, uint32(c.Args[1])) }
func mkdirat(c call) denial.Answer { return c.mkdir(0, 1, uint32(c.Args[2])) }

func (c call) mkdir(dir, path int, perm uint32) denial.Answer {
	p, a, ok := c.create(dir, path)
	if !ok {
		return a
	}
	defer p.close()
	if r := mode(perm, true); r.yes() {
		return c.refuse(r, p.full, "create")
	}
	return result(unix.Mkdirat(p.dir, p.base, perm&0o7777&^c.umask))
}

func mknod(c call) denial.Answer   { return c.mknod(-1, 0, uint32(c.Args[1])) }
func mknodat(c call) denial.Answer { return c.mknod(0, 1, uint32(c.Args[2])) }

func (c call) mknod(dir, path int, perm uint32) denial.Answer {
	p, a, ok := c.create(dir, path)
	if !ok {
		return a
	}
	defer p.close()
	kind := perm & unix.S_IFMT
	switch {
	case kind == unix.S_IFCHR, kind == unix.S_IFBLK:
		return c.refuse(refusal{RuleDevice, unix.EPERM}, p.full, "create")
	case p.slash && kind != unix.S_IFDIR:
		return fails(unix.ENOENT)
	}
	if r := mode(perm, false); r.yes() {
		return c.refuse(r, p.full, "create")
	}
	return result(unix.Mknodat(p.dir, p.base, kind|perm&0o7777&^c.umask, 0))
}

func symlink(c call) denial.Answer   { return c.symlink(-1, 1) }
func symlinkat(c call) denial.Answer { return c.symlink(1, 2) }

func (c call) symlink(dir, path int) denial.Answer {
	target, errno := c.text(0)
	if errno != 0 {
		return fails(errno)
	}
	p, a, ok := c.create(dir, path)
	if !ok {
		return a
	}
	defer p.close()
	if p.slash {
		return fails(unix.ENOENT)
	}
	return result(unix.Symlinkat(target, p.dir, p.base))
}

func link(c call) denial.Answer   { return c.link(-1, 0, -1, 1, 0) }
func linkat(c call) denial.Answer { return c.link(0, 1, 2, 3, c.Args[4]) }

// link needs the right to change the old name too: through the new one its content can be changed.
func (c call) link(oldDir, oldPath, newDir, newPath int, flags uint64) denial.Answer {
	if flags&^unix.AT_SYMLINK_FOLLOW != 0 {
		return fails(unix.EINVAL)
	}
	last := stay
	if flags != 0 {
		last = follow
	}
	old, errno := c.at(oldDir, oldPath, last)
	if errno != 0 {
		return fails(errno)
	}
	defer old.close()
	if !old.exists || old.nameless {
		return fails(unix.ENOENT)
	}
	fresh, a, ok := c.create(newDir, newPath)
	if !ok {
		return a
	}
	defer fresh.close()
	if old.self || old.kind() == unix.S_IFDIR {
		return fails(unix.EPERM)
	}
	if r := c.broker.judge.change(old.full); r.yes() {
		return c.refuse(r, old.full, "link")
	}
	if old.object >= 0 {
		return result(unix.Linkat(unix.AT_FDCWD, self(old.object), fresh.dir, fresh.base, unix.AT_SYMLINK_FOLLOW))
	}
	return result(unix.Linkat(old.dir, old.base, fresh.dir, fresh.base, 0))
}

func unlink(c call) denial.Answer { return c.remove(-1, 0, 0) }
func rmdir(c call) denial.Answer  { return c.remove(-1, 0, unix.AT_REMOVEDIR) }
func unlinkat(c call) denial.Answer {
	if c.Args[2]&^unix.AT_REMOVEDIR != 0 {
		return fails(unix.EINVAL)
	}
	return c.remove(0, 1, int(c.Args[2]))
}

func (c call) remove(dir, path, flags int) denial.Answer {
	p, errno := c.at(dir, path, entry)
	if errno != 0 {
		return fails(errno)
	}
	defer p.close()
	isDir := p.kind() == unix.S_IFDIR
	switch {
	case !p.exists:
		return fails(unix.ENOENT)
	case p.self || p.object >= 0:
		return fails(unix.EBUSY)
	case flags == 0 && isDir:
		return fails(unix.EISDIR)
	case flags == 0 && p.slash, flags != 0 && !isDir:
		return fails(unix.ENOTDIR)
	}
	if r := c.broker.judge.leave(p.full); r.yes() {
		return c.refuse(r, p.full, "remove")
	}
	return result(unix.Unlinkat(p.dir, p.base, flags))
}

func rename(c call) denial.Answer    { return c.rename(-1, 0, -1, 1, 0) }
func renameat(c call) denial.Answer  { return c.rename(0, 1, 2, 3, 0) }
func renameat2(c call) denial.Answer { return c.rename(0, 1, 2, 3, c.Args[4]) }

func (c call) rename(oldDir, oldPath, newDir, newPath int, flags uint64) denial.Answer {
	if flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 {
		return fails(unix.EINVAL)
	}
	old, errno := c.at(oldDir, oldPath, entry)
	if errno != 0 {
		return fails(errno)
	}
	defer old.close()
	fresh, errno := c.at(newDir, newPath, entry)
	if errno != 0 {
		return fails(errno)
	}
	defer fresh.close()
	switch {
	case !old.exists:
		return fails(unix.ENOENT)
	case old.self || fresh.self || old.object >= 0 || fresh.object >= 0:
		return fails(unix.EBUSY)
	case old.kind() != unix.S_IFDIR && (old.slash || fresh.slash && flags&unix.RENAME_EXCHANGE == 0):
		return fails(unix.ENOTDIR)
	case flags&unix.RENAME_EXCHANGE != 0 && fresh.exists && fresh.slash && fresh.kind() != unix.S_IFDIR:
		return fails(unix.ENOTDIR)
	}
	for _, full := range []string{old.full, fresh.full} {
		if r := c.broker.judge.leave(full); r.yes() {
			return c.refuse(r, full, "rename")
		}
	}
	return result(unix.Renameat2(old.dir, old.base, fresh.dir, fresh.base, uint(flags)))
}
