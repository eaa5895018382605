//go:build linux

package bwrap

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/steps"
)

// firstExtra is the number of the first of process.Command.Extra.
const firstExtra = 3

// openInlet makes the program that bwrap starts in place of the command: it makes the sockets of the proxy, hands them out and
// executes the command. Its descriptors are the last two of process.Command.Extra, after the given number of others.
func (l *launch) openInlet(before int) ([]*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make control socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "inlet control"), os.NewFile(uintptr(pair[1]), "inlet control")
	control := firstExtra + before
	program := starter(control, l.words, sandbox.Announced(l.spec, sandbox.ProxyAddr), inlet.At(l.spec.Proxy))
	image, err := program.File("inlet")
	if err != nil {
		_ = ours.Close()
		_ = theirs.Close()
		return nil, err
	}
	l.control, l.starter = ours, program
	return []*os.File{theirs, image}, nil
}

// notExecuted is the exit status when the command cannot be executed, as of a shell.
const notExecuted = 127

// starter is the program. control is its end of the socket pair; every other descriptor above 2 is bwrap's.
func starter(control int, words, env []string, at []netip.AddrPort) *steps.Program {
	p := steps.New()
	add := func(name string, call uintptr, args ...uintptr) uintptr {
		s := steps.Step{Name: name, Call: call}
		copy(s.Args[:], args)
		return p.Add(s)
	}
	first := add("close descriptors", unix.SYS_CLOSE_RANGE, uintptr(control)+1, math.MaxUint32)
	failed := add("report a failure", unix.SYS_WRITE, uintptr(control), steps.Report, steps.ReportSize)
	p.At(failed).Want, p.At(failed).Fail = steps.ReportSize, p.Next()
	add("exit", unix.SYS_EXIT_GROUP, notExecuted)
	p.At(first).Then, p.At(first).Fail = p.Next(), failed
	p.OnFailure(failed)
	add("close more descriptors", unix.SYS_CLOSE_RANGE, firstExtra, uintptr(control)-1)
	add("keep the control socket from the command", unix.SYS_FCNTL, uintptr(control), unix.F_SETFD, unix.FD_CLOEXEC)
	inlet.Add(p, control, firstExtra, at...)
	execute := add("execute", unix.SYS_EXECVE, p.String(words[0]), p.Strings(words), p.Strings(env))
	p.At(execute).Fail = p.Next()
	text := "sandbox: cannot execute " + words[0] + "\n"
	told := add("say that it cannot be executed", unix.SYS_WRITE, 2, p.String(text), uintptr(len(text)))
	p.At(told).Want, p.At(told).Fail = int64(len(text)), p.Next()
	add("exit", unix.SYS_EXIT_GROUP, notExecuted)
	return p
}

// inlet waits for the sockets; the end of bwrap ends the wait.
func (l *launch) inlet() (sandbox.Sockets, error) {
	var data [steps.ReportSize]byte
	rights := make([]byte, unix.CmsgSpace(4*inlet.Count))
	for {
		n, rn, _, _, err := unix.Recvmsg(int(l.control.Fd()), data[:], rights, unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return sandbox.Sockets{}, fmt.Errorf("take the inlet of the proxy: %w", err)
		case n == steps.ReportSize:
			return sandbox.Sockets{}, l.starter.Explain(data[:])
		}
		return inlet.Sockets(inlet.Files(rights[:rn]))
	}
}
