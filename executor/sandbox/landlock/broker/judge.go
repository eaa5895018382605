//go:build linux

package broker

import (
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
)

// The rules of this backend that are no reason of a plan.
const (
	// RuleHostFIFO refuses named pipes that somebody outside may hold.
	RuleHostFIFO = "host_fifo"
	// RuleSetID refuses set-user-ID and set-group-ID files.
	RuleSetID = "set_id_file"
	// RulePinned refuses to move or remove a directory that a path of the plan goes through.
	RulePinned = "pinned_path"
	// RuleDevice refuses to make devices.
	RuleDevice = "device"
	// RuleOtherProcess refuses to act on a process outside the sandbox.
	RuleOtherProcess = "other_process"
)

// refusal says why a call is not carried out. The zero value means that nothing stands against it.
type refusal struct {
	rule  string
	errno unix.Errno
}

func (r refusal) yes() bool { return r.rule != "" }

// judge is a plan with the questions that calls raise. Pure.
type judge struct{ plan filesystem.Plan }

// change says whether the thing at full may be changed.
func (j judge) change(full string) refusal {
	v := j.plan.CheckWrite(full)
	switch {
	case v.Allowed:
		return refusal{}
	case v.Reason == filesystem.ReasonDeniedRead, v.Reason == filesystem.ReasonInvalidPath:
		return refusal{string(v.Reason), unix.EACCES}
	}
	return refusal{string(v.Reason), unix.EROFS}
}

// entry says whether a name may come, go or be replaced: the directory changes as well as what the name stands for.
func (j judge) entry(full string) refusal {
	if r := j.change(full); r.yes() {
		return r
	}
	return j.change(path.Dir(full))
}

// leave is entry for a name that goes away with all that is below it: no path of the plan may be on the way.
func (j judge) leave(full string) refusal {
	if r := j.entry(full); r.yes() {
		return r
	}
	if j.pinned(full) {
		return refusal{RulePinned, unix.EBUSY}
	}
	return refusal{}
}

func (j judge) pinned(full string) bool {
	for _, r := range j.plan.Writable {
		if filesystem.Within(r.Path, full) {
			return true
		}
		for _, q := range r.Protected {
			if filesystem.Within(q.Path, full) {
				return true
			}
		}
	}
	for _, q := range slices.Concat(j.plan.ReadOnly, j.plan.Linked, j.plan.Readable) {
		if filesystem.Within(q, full) {
			return true
		}
	}
	for _, d := range j.plan.DeniedReads {
		if filesystem.Within(d.Path, full) {
			return true
		}
	}
	return false
}

// mode refuses files that run with the rights of their owner; directories may pass their group on.
func mode(m uint32, dir bool) refusal {
	if m&unix.S_ISUID != 0 || m&unix.S_ISGID != 0 && !dir {
		return refusal{RuleSetID, unix.EPERM}
	}
	return refusal{}
}

// opening is what an open asks for.
type opening struct {
	flags  uint64
	exists bool
	kind   uint32 // S_IFMT
}

// doing is what the broker does about an open.
type doing int

const (
	leaveIt doing = iota // the kernel and Landlock answer
	perform
	wait // a named pipe: opening may take as long as nobody is at its other end
	unsupported
)

// plan of an open: what it wants in the words of a Denial, and what to do when that is allowed.
func (o opening) wants() (access string, do doing) {
	writes := o.flags&unix.O_ACCMODE != unix.O_RDONLY || o.flags&unix.O_TRUNC != 0
	const tmpfile = unix.O_TMPFILE &^ unix.O_DIRECTORY
	switch {
	case o.flags&unix.O_PATH != 0:
		return "", leaveIt
	case o.flags&tmpfile != 0:
		return "create", unsupported
	case !o.exists && o.flags&unix.O_CREAT == 0:
		return "", leaveIt // no such file
	case !o.exists:
		return "create", perform
	case o.flags&unix.O_CREAT != 0 && o.flags&unix.O_EXCL != 0, !writes:
		return "", leaveIt // exists already; or only reads
	case o.kind == unix.S_IFREG:
		return "write", perform
	case o.kind == unix.S_IFIFO:
		return "write", wait
	}
	return "", leaveIt // directories and sockets fail by themselves, devices are Landlock's
}
