package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// keyboard is a terminal as human.Input: it is read only while a question is open.
type keyboard struct {
	in        *os.File
	wake, end *os.File // a pipe: closing end wakes a reader
}

// Begin implements human.Input.
func (k *keyboard) Begin() (io.Reader, error) {
	var err error
	if k.wake, k.end, err = os.Pipe(); err != nil {
		return nil, err
	}
	if err := unix.IoctlSetInt(int(k.in.Fd()), unix.TCFLSH, unix.TCIFLUSH); err != nil {
		return nil, errors.Join(fmt.Errorf("throw away what was typed before: %w", err), k.end.Close(), k.wake.Close())
	}
	return k, nil
}

// End implements human.Input.
func (k *keyboard) End() { _ = k.end.Close() }

// Read waits for keys until End.
func (k *keyboard) Read(b []byte) (int, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(k.in.Fd()), Events: unix.POLLIN}, {Fd: int32(k.wake.Fd()), Events: unix.POLLIN}} //nolint:gosec // descriptors are small
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			_ = k.wake.Close()
			return 0, err
		case fds[1].Revents != 0:
			_ = k.wake.Close()
			return 0, io.EOF
		case fds[0].Revents != 0:
			return k.in.Read(b)
		}
	}
}
