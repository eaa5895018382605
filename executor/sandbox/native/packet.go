//go:build linux

package native

import (
	"encoding/binary"
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/inlet"
	"proctor/executor/sandbox/steps"
)

// The packets on the control socket, told apart by their length:
//
//	8 bytes   from the launcher: the init's process id
//	1 byte    packetListener or packetStarted, with a descriptor: the seccomp listener, a pidfd of the command;
//	          inlet.Packet, with the sockets of the proxy
//	4 bytes   from the init: the wait status of the command
//	16 bytes  from any of them: a failed step (steps.Report), nothing was run
const (
	sizeBorn       = 8
	sizeEnded      = 4
	sizeFailed     = steps.ReportSize
	packetListener = 'l'
	packetStarted  = 's'
)

// message is a packet with a descriptor, as sendmsg(2) takes it.
type message struct {
	header uintptr // address of the struct msghdr
	right  uintptr // where the descriptor is to be stored
}

func (c *compiler) message(kind byte) message {
	header, right := inlet.Message(c.Program, kind, make([]byte, 4))
	return message{header: header, right: right}
}

func (c *compiler) send(name string, m message) {
	c.At(c.do(name, unix.SYS_SENDMSG, fdControl, m.header, unix.MSG_NOSIGNAL)).Want = 1
}

// packet is one of them, as received.
type packet struct {
	data []byte
	// descriptor is the first one, files are all.
	descriptor *os.File
	files      []*os.File
}

var errClosed = errors.New("the sandbox processes ended without a word")

// receive waits for the next packet; errClosed after the last.
func receive(control *os.File) (packet, error) {
	var data [sizeFailed]byte
	rights := make([]byte, unix.CmsgSpace(4*inlet.Count))
	for {
		n, rn, _, _, err := unix.Recvmsg(int(control.Fd()), data[:], rights, unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return packet{}, errors.Join(errClosed, err)
		case n == 0:
			return packet{}, errClosed
		}
		p := packet{data: data[:n], files: inlet.Files(rights[:rn])}
		if len(p.files) > 0 {
			p.descriptor = p.files[0]
		}
		return p, nil
	}
}

func (p packet) is(kind byte) bool { return len(p.data) == 1 && p.data[0] == kind }

func (p packet) born() (pid int, ok bool) {
	if len(p.data) != sizeBorn {
		return 0, false
	}
	return int(binary.NativeEndian.Uint64(p.data)), true
}

func (p packet) ended() (status uint32, ok bool) {
	if len(p.data) != sizeEnded {
		return 0, false
	}
	return binary.NativeEndian.Uint32(p.data), true
}

// The layouts above are those of 64-bit machines.
const _ = uint(unsafe.Sizeof(uintptr(0)) - 8)
