//go:build linux

package native

import (
	"math"
	"net/netip"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/process"
	"proctor/executor/sandbox/seccomp"
	"proctor/executor/sandbox/steps"
	"proctor/executor/sandbox/view"
)

// job is all that the processes are told.
type job struct {
	ops    []view.Op
	hidden string // a file that nobody may read, shown in place of denied files
	path   string
	args   []string
	env    []string
	dir    string
	tty    bool
	// network: the command sees the network of the host.
	network bool
	// proxied: it reaches the proxy, through sockets that are handed out.
	proxied   bool
	inlet     []netip.AddrPort // of those sockets
	supervise bool
	filters   seccomp.Filters
	limits    []process.Resource
	uid, gid  int
}

// Descriptors of the launcher, and the first number that it has free.
const (
	fdControl = 3
	fdImage   = 4
	fdFree    = fdImage
)

// setupFailed is the exit status of a process that could not do its part; the reason goes through the control socket.
const setupFailed = 125

// compiler appends steps. It knows which descriptor each opening call gets, since nothing else runs in the process;
// a call that gets another one fails.
type compiler struct {
	*steps.Program
	free int
}

// compile is pure: the same job gives the same program.
func compile(j job) *steps.Program {
	c := &compiler{Program: steps.New(), free: fdFree}
	first := c.closeFrom(fdFree)
	failed := c.write("report a failure", steps.Report, steps.ReportSize)
	c.At(failed).Fail = c.Next() // told or not, the end
	c.exit(setupFailed)
	c.At(first).Then, c.At(first).Fail = c.Next(), failed
	c.OnFailure(failed)
	c.launcher(j)
	c.pidOne(j)
	c.command(j)
	return c.Program
}

// do is a call that succeeds with 0.
func (c *compiler) do(name string, call uintptr, args ...uintptr) uintptr {
	s := steps.Step{Name: name, Call: call}
	copy(s.Args[:], args)
	return c.Add(s)
}

// open is a call that opens a descriptor, and returns which.
func (c *compiler) open(name string, call uintptr, args ...uintptr) uintptr {
	fd := c.free
	c.At(c.do(name, call, args...)).Want = int64(fd)
	c.free++
	return uintptr(fd)
}

// closeLast closes the descriptor that was opened last.
func (c *compiler) closeLast() {
	c.free--
	c.do("close a descriptor", unix.SYS_CLOSE, uintptr(c.free))
}

// closeFrom closes a descriptor and all above it.
func (c *compiler) closeFrom(fd uintptr) uintptr {
	c.free = int(fd)
	return c.do("close descriptors", unix.SYS_CLOSE_RANGE, fd, math.MaxUint32)
}

// write sends bytes to the control socket.
func (c *compiler) write(name string, at, size uintptr) uintptr {
	step := c.do(name, unix.SYS_WRITE, fdControl, at, size)
	c.At(step).Want = int64(size)
	return step
}

func (c *compiler) exit(code uintptr) { c.do("exit", unix.SYS_EXIT_GROUP, code) }

// tolerate makes an errno a success too.
func (c *compiler) tolerate(step uintptr, errno unix.Errno) { c.At(step).Also = -int64(errno) }

// minus is a negative number as an argument.
func minus(n int) uintptr { return ^uintptr(n - 1) }
