//go:build linux

package seccomp

import "golang.org/x/sys/unix"

var native = machine{arch: unix.AUDIT_ARCH_X86_64, foreign: 0x40000000}

func ownCalls() map[string]int {
	return map[string]int{
		"_sysctl": unix.SYS__SYSCTL, "chmod": unix.SYS_CHMOD, "chown": unix.SYS_CHOWN, "creat": unix.SYS_CREAT,
		"create_module": unix.SYS_CREATE_MODULE, "futimesat": unix.SYS_FUTIMESAT, "ioperm": unix.SYS_IOPERM,
		"iopl": unix.SYS_IOPL, "lchown": unix.SYS_LCHOWN, "link": unix.SYS_LINK, "mkdir": unix.SYS_MKDIR,
		"mknod": unix.SYS_MKNOD, "open": unix.SYS_OPEN, "rename": unix.SYS_RENAME, "rmdir": unix.SYS_RMDIR,
		"symlink": unix.SYS_SYMLINK, "unlink": unix.SYS_UNLINK, "uselib": unix.SYS_USELIB, "utime": unix.SYS_UTIME,
		"utimes": unix.SYS_UTIMES,
	}
}
