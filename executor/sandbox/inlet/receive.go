//go:build linux

package inlet

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
)

// Files are the descriptors of one message.
func Files(control []byte) []*os.File {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil
	}
	files := make([]*os.File, len(fds))
	for i, fd := range fds {
		files[i] = os.NewFile(uintptr(fd), "from the sandbox")
	}
	return files
}

// Sockets makes what was received usable, and closes the files.
func Sockets(files []*os.File) (s sandbox.Sockets, err error) {
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
		if err != nil {
			s.Close()
			s = sandbox.Sockets{}
		}
	}()
	if len(files) != Count {
		return s, fmt.Errorf("take the inlet of the proxy: %d descriptors came, expected %d", len(files), Count)
	}
	var first, second error
	s.Listener, first = net.FileListener(files[0])
	s.Datagrams, second = net.FilePacketConn(files[1])
	if err := errors.Join(first, second); err != nil {
		return s, fmt.Errorf("take the inlet of the proxy: %w", err)
	}
	return s, nil
}
