//go:build linux

package seccomp

import (
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"proctor/policy/filesystem"
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
	// Dated calls are looked at like Watched ones and fail with ENOSYS, because what they ask for lies in memory.
	Dated
	// Sealed is memfd_create: a supervisor makes the file, so that no program can be run from it; without one it is Absent.
	Sealed
	// Limited calls ask for more than a limit may allow; only a supervisor knows the limit.
	Limited
)

// Scope says in which network modes a row holds; the zero value means in all.
type Scope int

// The scopes, which can be added.
const (
	NetworkOff Scope = 1 << iota
	NetworkProxied
	NetworkOn
)

// The rules that rows name, as a Denial says them.
const (
	RuleNetworkOff     = "network_off"
	RuleNetworkFamily  = "network_family"
	RuleProxyOnly      = "proxy_only" // the only road is the proxy, and this address is not it
	RulePrivilegedCall = "privileged_call"
	RuleSetuidBit      = "set_user_id"
	RuleMemoryProgram  = "memory_program"
	RuleMemoryLimit    = "memory_limit"
)

// Arg describes one path of a call by argument numbers; -1 means there is none.
// Dir without Path is a descriptor that the call acts on.
type Arg struct {
	Dir, Path int
	// NoFollow: the call acts on a last symlink itself.
	NoFollow bool
}

// Call is one row. A call may have several rows with different conditions; the first that matches decides.
type Call struct {
	Name  string
	Class Class
	Scope Scope
	// Reads: the row holds only in modes with Reads.
	Reads bool
	// When lists conditions that must all hold.
	When []Condition
	// Access is what the call wants, and Rule what refuses it, as a Denial says it.
	Access, Rule string
	// Paths are the paths it acts on; Addr is the argument that points to a socket address (length in the next), or 0.
	Paths []Arg
	Addr  int
	// Flags is the argument with open flags, or 0. Owner is the first of two with user and group, or 0.
	Flags, Owner int
}

func (c Call) in(m Mode) bool {
	return (c.Scope == 0 || c.Scope&scopeOf(m.Network) != 0) && (m.Reads || !c.Reads)
}

func scopeOf(network filesystem.Network) Scope {
	switch network {
	case filesystem.NetworkOff:
		return NetworkOff
	case filesystem.NetworkProxied:
		return NetworkProxied
	case filesystem.NetworkOn:
		return NetworkOn
	default:
		return 0
	}
}

const (
	writeFlags   = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC
	createFlags  = unix.O_CREAT | unix.O_TMPFILE&^unix.O_DIRECTORY
	newSpaces    = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	typeMask     = 0xf            // SOCK_TYPE_MASK
	mountSilence = unix.MS_SILENT // bubblewrap sets it on its own mounts, hardly anyone else does
)

func bits(arg int, value uint64) Condition   { return Condition{Arg: arg, Op: AnyBit, Value: value} }
func noBits(arg int, value uint64) Condition { return Condition{Arg: arg, Op: NoBit, Value: value} }
func not(arg int, value uint64) Condition    { return Condition{Arg: arg, Op: NotEqual, Value: value} }
func is(arg int, value uint64) Condition     { return Condition{Arg: arg, Op: Equal, Value: value} }
func atLeast(arg int, v uint64) Condition    { return Condition{Arg: arg, Op: AtLeast, Value: v} }

// masked and word compare an int argument whatever stands above its 32 bits.
func masked(arg int, mask uint32, value uint64) Condition {
	return Condition{Arg: arg, Op: Masked, Mask: mask, Value: value}
}
func word(arg int, value uint64) Condition { return masked(arg, 0xffffffff, value) }

// at is a path below the working directory, dirAt one below a directory descriptor, fd a descriptor itself.
func at(path int) Arg         { return Arg{Dir: -1, Path: path} }
func dirAt(dir, path int) Arg { return Arg{Dir: dir, Path: path} }
func fd(n int) Arg            { return Arg{Dir: n, Path: -1} }

func link(a Arg) Arg { a.NoFollow = true; return a }

// Calls returns the table, the same to everybody: it must not be changed.
var Calls = sync.OnceValue(func() []Call {
	return slices.Concat(setuidCalls(), fileCalls(), networkCalls(), privilegedCalls(), memoryCalls())
})

func watch(name, access string, paths ...Arg) Call {
	return Call{Name: name, Class: Watched, Access: access, Paths: paths}
}

func refuse(name, access, rule string, paths ...Arg) Call {
	return Call{Name: name, Class: Refused, Access: access, Rule: rule, Paths: paths}
}

func (c Call) only(conditions ...Condition) Call { c.When = conditions; return c }
func (c Call) flags(arg int) Call                { c.Flags = arg; return c }
func (c Call) owner(arg int) Call                { c.Owner = arg; return c }
