//go:build linux

package broker

import (
	"sync"

	"proctor/executor/sandbox/denial"
)

// handlers are what Act can do, by the name of the call.
var handlers = sync.OnceValue(func() map[string]func(call) denial.Answer {
	return map[string]func(call) denial.Answer{
		"open": open, "openat": openat, "creat": creat, "truncate": truncate,
		"mkdir": mkdir, "mkdirat": mkdirat, "mknod": mknod, "mknodat": mknodat,
		"symlink": symlink, "symlinkat": symlinkat, "link": link, "linkat": linkat,
		"unlink": unlink, "unlinkat": unlinkat, "rmdir": rmdir,
		"rename": rename, "renameat": renameat, "renameat2": renameat2,
		"chmod": chmod, "fchmod": fchmod, "fchmodat": fchmodat, "fchmodat2": fchmodat2,
		"chown": chown, "lchown": lchown, "fchown": fchown, "fchownat": fchownat,
		"utime": utime, "utimes": utimes, "futimesat": futimesat, "utimensat": utimensat,
		"setxattr": setxattr, "lsetxattr": lsetxattr, "fsetxattr": fsetxattr,
		"removexattr": removexattr, "lremovexattr": lremovexattr, "fremovexattr": fremovexattr,
	}
})

// Known are the names of the calls that a Broker carries out.
func Known() map[string]bool {
	out := map[string]bool{}
	for name := range handlers() {
		out[name] = true
	}
	return out
}
