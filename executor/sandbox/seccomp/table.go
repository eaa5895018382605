package seccomp

import (
	elastic "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Class says what happens to a call that matches its row.
type Class int

// The classes.
const (
	// Watched calls are decided by mounts and capabilities; they are only looked at.
	Watched Class = iota + 1
	// Refused calls always fail with EPERM and are recorded.
	Refused
	// Silent calls always fail with EPERM and are not recorded, for they say nothing new.
	Silent
	// Absent calls always fail with ENOSYS, so that programs fall back to older ones.
	Absent
)

// Scope says in which network mode a row holds.
type Scope int

// The scopes.
const (
	Always Scope = iota
	NetworkOff
	NetworkOn
)

// Arg describes one path of a call by argument numbers; -1 means there is none.
// Dir without Path is a descriptor that the call acts on.
type Arg struct {
	Dir, Path int
	// NoFollow: the call acts on a last symlink itself.
	NoFollow bool
}

// Call is one row. A call may have several rows with different conditions.
type Call struct {
	Name  string
	Class Class
	Scope Scope
	// When lists conditions that must all hold; it sees registers only. Conditions with equality compare all 64 bits
	// while the kernel takes 32 for int arguments, so refusing rows use "not equal" or bits.
	When []elastic.Condition
	// Access is what the call wants, as a Denial says it.
	Access string
	// Paths are the paths it acts on; Addr is the argument that points to a socket address (length in the next), or 0.
	Paths []Arg
	Addr  int
}

const (
	writeFlags   = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC
	newSpaces    = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	datagramBit  = unix.SOCK_DGRAM // set in SOCK_RAW too, not in SOCK_STREAM or SOCK_SEQPACKET
	familyArg    = 0
	mountSilence = unix.MS_SILENT // bubblewrap sets it on its own mounts, hardly anyone else does
)

func bits(arg uint32, value uint64) elastic.Condition {
	return elastic.Condition{Argument: arg, Operation: elastic.BitsSet, Value: value}
}

func noBits(arg uint32, value uint64) elastic.Condition {
	return elastic.Condition{Argument: arg, Operation: elastic.BitsNotSet, Value: value}
}

func not(arg uint32, value uint64) elastic.Condition {
	return elastic.Condition{Argument: arg, Operation: elastic.NotEqual, Value: value}
}

func is(arg uint32, value uint64) elastic.Condition {
	return elastic.Condition{Argument: arg, Operation: elastic.Equal, Value: value}
}

func when(c ...elastic.Condition) []elastic.Condition { return c }

// at is a path below the working directory, dirAt one below a directory descriptor, fd a descriptor itself.
func at(path int) Arg         { return Arg{Dir: -1, Path: path} }
func dirAt(dir, path int) Arg { return Arg{Dir: dir, Path: path} }
func fd(n int) Arg            { return Arg{Dir: n, Path: -1} }

func link(a Arg) Arg { a.NoFollow = true; return a }

// Calls returns the table. The order has no meaning; rows for one name must not overlap in condition.
func Calls() []Call {
	return append(append(fileCalls(), networkCalls()...), privilegedCalls()...)
}

func watch(name, access string, paths ...Arg) Call {
	return Call{Name: name, Class: Watched, Access: access, Paths: paths}
}

func (c Call) only(conditions ...elastic.Condition) Call { c.When = conditions; return c }
