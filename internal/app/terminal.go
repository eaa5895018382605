package app

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"proctor/executor/sandbox"
	"proctor/executor/tool/direct"
)

// streams gives the command streams like ours: a terminal stays one, and what is the same file here is one stream there,
// so that the order of its lines is kept. Attach relays while the command runs, restore undoes what was done to our terminal.
func (r *run) streams(o *direct.Options) (attach func(sandbox.Process) (detach func()), restore func(), err error) {
	attach, restore = func(sandbox.Process) func() { return func() {} }, func() {}
	in, out, errs := file(r.env.Stdin), file(r.env.Stdout), file(r.env.Stderr)
	o.Stdin = in
	switch {
	case r.command.JSON: // standard output is for the lines
		return attach, restore, nil
	case r.command.Unrecorded:
		o.Stdout, o.Stderr = out, errs
		return attach, restore, nil
	}
	o.Show = r.show
	if in != nil && r.env.StdinTerminal && r.env.StdoutTerminal && r.env.StderrTerminal {
		o.Stdin, o.TTY = nil, true
		o.Rows, o.Cols = size(in)
		state, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return nil, nil, fail(Failure, fmt.Errorf("prepare the terminal: %w", err))
		}
		return func(p sandbox.Process) func() { return relay(in, p) }, func() { _ = term.Restore(int(in.Fd()), state) }, nil
	}
	o.StdoutTTY, o.StderrTTY = r.env.StdoutTerminal, r.env.StderrTerminal
	if o.Merged = same(out, errs); o.Merged {
		o.StderrTTY = false
	}
	if o.StdoutTTY || o.StderrTTY {
		o.Rows, o.Cols = size(errs)
	}
	return attach, restore, nil
}

func same(a, b *os.File) bool {
	if a == nil || b == nil {
		return false
	}
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func size(f *os.File) (rows, cols uint16) {
	if f == nil {
		return 0, 0
	}
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return ws.Row, ws.Col
}

// relay passes what is typed and changes of size on until detach is called.
func relay(in *os.File, p sandbox.Process) (detach func()) {
	wake, end, err := os.Pipe()
	if err != nil { // without input the command still runs
		return func() {}
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	var work sync.WaitGroup
	work.Go(func() { typed(in, wake, p) })
	work.Go(func() {
		for range resized { // ends with detach
			if r, ok := p.(sandbox.Resizer); ok {
				_ = r.Resize(size(in)) // a command that has ended needs no size
			}
		}
	})
	return func() {
		signal.Stop(resized)
		close(resized)
		_ = end.Close()
		work.Wait()
		_ = wake.Close()
	}
}

// typed copies in to the command until the other end of wake is closed, or in ends.
func typed(in, wake *os.File, p sandbox.Process) {
	buf := make([]byte, 4096)
	for {
		fds := []unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}, {Fd: int32(wake.Fd()), Events: unix.POLLIN}} //nolint:gosec // descriptors are small
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[1].Revents != 0 {
			return
		}
		if fds[0].Revents == 0 {
			continue
		}
		n, err := in.Read(buf)
		if n > 0 {
			if _, err := p.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			_ = p.CloseStdin()
			return
		}
	}
}
