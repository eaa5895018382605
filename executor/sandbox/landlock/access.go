//go:build linux

package landlock

import (
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// access is a set of Landlock rights on files.
type access uint64

const (
	readFile access = ll.AccessFSReadFile | ll.AccessFSExecute
	readDir  access = ll.AccessFSReadDir
	// device is what may be done with the few devices that every program expects.
	device access = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSIoctlDev
	// onFiles are the rights that a rule on something other than a directory may give.
	onFiles access = ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSReadFile | ll.AccessFSTruncate | ll.AccessFSIoctlDev

	version1 access = ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSReadFile | ll.AccessFSReadDir | ll.AccessFSRemoveDir |
		ll.AccessFSRemoveFile | ll.AccessFSMakeChar | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock |
		ll.AccessFSMakeFifo | ll.AccessFSMakeBlock | ll.AccessFSMakeSym
)

// The ABI versions that bring something (Documentation/userspace-api/landlock.rst).
const (
	abiRefer    = 2
	abiTruncate = 3
	abiNet      = 4
	abiIoctl    = 5
	abiScope    = 6
)

// restrictions are what a rule set handles: everything that it does not grant is refused.
type restrictions struct {
	files  access
	net    uint64
	scoped uint64
}

// handled is all that an ABI can refuse. Abstract sockets stay reachable with an open network, as on the other backends.
func handled(abi int, networkOff bool) restrictions {
	r := restrictions{files: version1}
	if abi >= abiRefer {
		r.files |= ll.AccessFSRefer
	}
	if abi >= abiTruncate {
		r.files |= ll.AccessFSTruncate
	}
	if abi >= abiIoctl {
		r.files |= ll.AccessFSIoctlDev
	}
	if abi >= abiNet && networkOff {
		r.net = ll.AccessNetBindTCP | ll.AccessNetConnectTCP
	}
	if abi >= abiScope {
		r.scoped = ll.ScopeSignal
		if networkOff {
			r.scoped |= ll.ScopeAbstractUnixSocket
		}
	}
	return r
}

// deviceNames are the devices of /dev that a command may use; all others stay closed.
func deviceNames() []string {
	return []string{"/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"}
}
