//go:build linux

package denial

import (
	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

// attempt is a watched call with what it names.
type attempt struct {
	access string
	target target
	// open flags, for access "write" by one of the open calls; creat and truncate are given theirs.
	flags uint64
}

// finding says that the plan refuses an attempt.
type finding struct {
	rule   string
	access string
	errno  unix.Errno
}

// classify decides whether the plan is what stops an attempt. Pure.
func classify(p filesystem.Plan, a attempt) (finding, bool) {
	access := a.access
	held := placeholder(p, a.target.path)
	if a.target.beyond && (!placeholder(p, a.target.stop) || access == "remove") {
		return finding{}, false // ENOTDIR comes first
	}
	if access == "write" {
		var matters bool
		if access, matters = openAccess(a); !matters && (!held || a.target.mode&unix.S_IFMT != unix.S_IFSOCK) {
			return finding{}, false
		}
		if held {
			access = "create" // to the program it is missing
		}
	}
	if access == "metadata" && !a.target.exists {
		return finding{}, false // ENOENT comes first
	}
	verdict := p.CheckWrite(a.target.path)
	if verdict.Allowed {
		return finding{}, false
	}
	if access == "create" && a.target.exists && !held {
		return finding{}, false // EEXIST comes first
	}
	f := finding{rule: string(verdict.Reason), access: access}
	if verdict.Reason != filesystem.ReasonProtectedPath && (access == "write" || access == "create") {
		f.errno = unix.EROFS
	}
	return f, true
}

// openAccess says what an open wants, and whether a read-only mount would refuse it at all.
func openAccess(a attempt) (access string, matters bool) {
	writes := a.flags&unix.O_ACCMODE != unix.O_RDONLY || a.flags&unix.O_TRUNC != 0
	const tmpfile = unix.O_TMPFILE &^ unix.O_DIRECTORY
	switch {
	case !a.target.exists:
		return "create", a.flags&unix.O_CREAT != 0
	case a.flags&tmpfile != 0:
		return "write", a.target.mode&unix.S_IFMT == unix.S_IFDIR
	case !writes, a.flags&unix.O_CREAT != 0 && a.flags&unix.O_EXCL != 0:
		return "", false
	default:
		return "write", a.target.mode&unix.S_IFMT == unix.S_IFREG // devices, FIFOs and sockets ignore the mount; EISDIR
	}
}

// placeholder reports whether path exists only because the sandbox put something there (package mountpoint).
func placeholder(p filesystem.Plan, path string) bool {
	for _, r := range p.Writable {
		for _, q := range r.Protected {
			if q.Path == path && q.Kind == filesystem.Missing {
				return true
			}
		}
	}
	return false
}
