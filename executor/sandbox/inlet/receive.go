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
	if len(files) != Count && len(files) != Count/2 {
		return s, fmt.Errorf("take the inlet of the proxy: %d descriptors came, expected %d or %d", len(files), Count/2, Count)
	}
	var all [Count]error
	s.Listener, all[0] = net.FileListener(files[0])
	s.Datagrams, all[1] = net.FilePacketConn(files[1])
	if len(files) == Count {
		s.Carried, all[2] = net.FileListener(files[2])
		s.Names, all[3] = net.FilePacketConn(files[3])
	}
	if err := errors.Join(all[:]...); err != nil {
		return s, fmt.Errorf("take the inlet of the proxy: %w", err)
	}
	return s, nil
}
