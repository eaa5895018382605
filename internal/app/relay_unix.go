//go:build unix

package app

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
)

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
