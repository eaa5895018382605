//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// fileCalls change files or their metadata. Read-only opens match only in modes with Reads: their flags are in a register.
// openat2 keeps its flags in memory, where no filter sees them; whoever gets ENOSYS uses openat.
func fileCalls() []Call {
	reads := func(c Call) Call { c.Reads = true; return c }
	return []Call{
		reads(watch("open", "read", at(0)).only(noBits(1, writeFlags)).flags(1)),
		reads(watch("openat", "read", dirAt(0, 1)).only(noBits(2, writeFlags)).flags(2)),
		watch("open", "write", at(0)).only(bits(1, writeFlags)).flags(1),
		watch("openat", "write", dirAt(0, 1)).only(bits(2, writeFlags)).flags(2),
		{Name: "openat2", Class: Dated, Access: "write", Paths: []Arg{dirAt(0, 1)}},
		watch("creat", "write", at(0)),
		watch("truncate", "write", at(0)),
		watch("mkdir", "create", link(at(0))),
		watch("mkdirat", "create", link(dirAt(0, 1))),
		watch("mknod", "create", link(at(0))),
		watch("mknodat", "create", link(dirAt(0, 1))),
		watch("symlink", "create", link(at(1))),
		watch("symlinkat", "create", link(dirAt(1, 2))),
		watch("link", "link", link(at(0)), link(at(1))),
		watch("linkat", "link", link(dirAt(0, 1)), link(dirAt(2, 3))),
		watch("rmdir", "remove", link(at(0))),
		watch("unlink", "remove", link(at(0))),
		watch("unlinkat", "remove", link(dirAt(0, 1))),
		watch("rename", "rename", link(at(0)), link(at(1))),
		watch("renameat", "rename", link(dirAt(0, 1)), link(dirAt(2, 3))),
		watch("renameat2", "rename", link(dirAt(0, 1)), link(dirAt(2, 3))),
		watch("chmod", "metadata", at(0)),
		watch("fchmod", "metadata", fd(0)),
		watch("fchmodat", "metadata", dirAt(0, 1)),
		watch("fchmodat2", "metadata", dirAt(0, 1)),
		watch("chown", "metadata", at(0)).owner(1),
		watch("fchown", "metadata", fd(0)).owner(1),
		watch("lchown", "metadata", link(at(0))).owner(1),
		watch("fchownat", "metadata", dirAt(0, 1)).owner(2),
		watch("utime", "metadata", at(0)),
		watch("utimes", "metadata", at(0)),
		watch("futimesat", "metadata", dirAt(0, 1)),
		watch("utimensat", "metadata", dirAt(0, 1)),
		watch("setxattr", "metadata", at(0)),
		watch("lsetxattr", "metadata", link(at(0))),
		watch("fsetxattr", "metadata", fd(0)),
		watch("removexattr", "metadata", at(0)),
		watch("lremovexattr", "metadata", link(at(0))),
		watch("fremovexattr", "metadata", fd(0)),
	}
}

// setuidCalls would make a program that runs with its owner's rights for whoever starts it later, outside. Sockets and
// devices made by name have no use inside.
func setuidCalls() []Call {
	setuid := func(name, access string, mode int, path Arg) Call {
		return refuse(name, access, RuleSetuidBit, path).only(bits(mode, unix.S_ISUID))
	}
	const special = 0o060000 // set in S_IFSOCK, S_IFBLK and S_IFCHR, not in S_IFREG or S_IFIFO
	return []Call{
		setuid("chmod", "metadata", 1, at(0)),
		setuid("fchmod", "metadata", 1, fd(0)),
		setuid("fchmodat", "metadata", 2, dirAt(0, 1)),
		setuid("fchmodat2", "metadata", 2, dirAt(0, 1)),
		setuid("creat", "create", 1, at(0)),
		setuid("mknod", "create", 1, link(at(0))),
		setuid("mknodat", "create", 2, link(dirAt(0, 1))),
		refuse("open", "create", RuleSetuidBit, at(0)).only(bits(1, createFlags), bits(2, unix.S_ISUID)),
		refuse("openat", "create", RuleSetuidBit, dirAt(0, 1)).only(bits(2, createFlags), bits(3, unix.S_ISUID)),
		refuse("mknod", "create", RulePrivilegedCall, link(at(0))).only(bits(1, special)),
		refuse("mknodat", "create", RulePrivilegedCall, link(dirAt(0, 1))).only(bits(2, special)),
	}
}
