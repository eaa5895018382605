//go:build linux

package steps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Where things lie in the memory of the image. The machine knows the middle two.
const (
	codeAt  = 0x400000
	firstAt = Report + ReportSize
	dataAt  = 0x1000000
	// stepSize is that of one encoded step.
	stepSize = 13 * 8
	// stepLimit keeps the steps below the data.
	stepLimit = (dataAt - firstAt) / stepSize
)

// Report is the address of the result of the last call and the address of its step, 8 bytes each: what a step that
// tells of a failure sends. See [Program.Explain].
const (
	Report     = 0x500000
	ReportSize = 16
)

// ErrUnsupported means that there is no machine for this kind of computer.
var ErrUnsupported = errors.New("no step machine for this architecture")

// Step is one system call and where to go on.
type Step struct {
	// Name is what the call does, as an error message says it: "mount /proc".
	Name string
	Call uintptr
	Args [6]uintptr
	// Keep is the address that also receives the result, all 8 bytes of it; 0 is nowhere.
	Keep uintptr
	// Want is the result that means success: 0, a descriptor, or a negative errno. Also is another one when it is not 0.
	Want, Also int64
	// Then, Positive and Fail are addresses of the steps to go on at: after success (0 is the step that was added next), after
	// another positive result (0 is Fail), and after anything else (0 is the last argument of OnFailure).
	Then, Positive, Fail uintptr
}

// Program is a list of steps with its data. It is built by one goroutine; the zero value is not usable.
type Program struct {
	steps []*Step
	data  []byte
	fail  uintptr
}

// New is an empty program.
func New() *Program {
	const usual = 32 << 10 // bytes of data for a command with a dozen mounts and its filters; more is allowed
	return &Program{steps: make([]*Step, 0, usual/stepSize), data: make([]byte, 0, usual)}
}

// Add appends a step and returns its address.
func (p *Program) Add(s Step) uintptr {
	if s.Fail == 0 {
		s.Fail = p.fail
	}
	p.steps = append(p.steps, &s)
	return firstAt + uintptr(len(p.steps)-1)*stepSize
}

// At is the step at an address that Add returned, to be changed before File.
func (p *Program) At(address uintptr) *Step { return p.steps[(address-firstAt)/stepSize] }

// Next is the address of the step that will be added next.
func (p *Program) Next() uintptr { return firstAt + uintptr(len(p.steps))*stepSize }

// OnFailure is where steps that are added from now on go when they fail and do not say themselves.
func (p *Program) OnFailure(address uintptr) { p.fail = address }

// Arg and Want are the addresses of an argument and of the wanted result of a step, for the Keep of an earlier one.
func Arg(step uintptr, n int) uintptr { return step + uintptr(1+n)*8 }

// Want is the address of the wanted result of a step.
func Want(step uintptr) uintptr { return step + 8*8 }

// Bytes places b in writable memory, aligned to 8, and returns its address.
func (p *Program) Bytes(b []byte) uintptr {
	at := dataAt + uintptr(len(p.data))
	p.data = append(p.data, b...)
	p.align()
	return at
}

// align fills up to where the next data may begin.
func (p *Program) align() {
	for len(p.data)%8 != 0 {
		p.data = append(p.data, 0)
	}
}

// String places s with a NUL behind it.
func (p *Program) String(s string) uintptr {
	at := p.Bytes(nil)
	p.data = append(p.data, s...)
	p.data = append(p.data, 0)
	p.align()
	return at
}

// Words places 8-byte numbers.
func (p *Program) Words(w ...uintptr) uintptr {
	return p.Bytes(appendWords(nil, w...))
}

// Strings places an array of pointers to strings with a null pointer behind it, as execve(2) takes it.
func (p *Program) Strings(list []string) uintptr {
	var at []uintptr
	for _, s := range list {
		at = append(at, p.String(s))
	}
	return p.Words(append(at, 0)...)
}

// Explain reads a report: what the step that made it does, and why it failed.
func (p *Program) Explain(report []byte) error {
	if len(report) != ReportSize {
		return fmt.Errorf("unreadable report of %d bytes", len(report))
	}
	result := int64(binary.NativeEndian.Uint64(report))
	n := (binary.NativeEndian.Uint64(report[8:]) - firstAt) / stepSize
	if n >= uint64(len(p.steps)) {
		return fmt.Errorf("report of an unknown step, result %d", result)
	}
	if name := p.steps[n].Name; result < 0 {
		return fmt.Errorf("%s: %w", name, syscall.Errno(-result))
	} else {
		return fmt.Errorf("%s: result %d where %d was expected", name, result, p.steps[n].Want)
	}
}

// List shows the steps by name, with where they go on when that is not the next step or the failure of all.
func (p *Program) List() string {
	var b strings.Builder
	number := func(at uintptr) uintptr { return (at - firstAt) / stepSize }
	for i, s := range p.steps {
		fmt.Fprintf(&b, "%3d %s", i, s.Name)
		if s.Then != 0 {
			fmt.Fprintf(&b, "; then %d", number(s.Then))
		}
		if s.Positive != 0 {
			fmt.Fprintf(&b, "; positive %d", number(s.Positive))
		}
		if s.Fail != p.fail && s.Fail != 0 {
			fmt.Fprintf(&b, "; else %d", number(s.Fail))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
