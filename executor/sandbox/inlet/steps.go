//go:build linux

package inlet

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/steps"
)

// Packet is the one byte that the sockets travel with, and Count how many there are at most.
const (
	Packet = 'n'
	Count  = 4
)

// At are the addresses of the sockets.
func At(p *sandbox.Proxy) []netip.AddrPort {
	if p != nil && p.Connect != nil {
		return []netip.AddrPort{sandbox.ProxyAddr, sandbox.CarriedAddr}
	}
	return []netip.AddrPort{sandbox.ProxyAddr}
}

// backlog of the listener; the kernel takes less where it is told so.
const backlog = 512

// Up appends the steps that bring the loopback interface up. free is the number that the next descriptor gets.
func Up(p *steps.Program, free int) {
	fd := open(p, "open a socket for loopback", free, unix.AF_INET, unix.SOCK_DGRAM)
	const sizeOfRequest = 40 // struct ifreq: 16 bytes of name, then flags
	request := make([]byte, sizeOfRequest)
	copy(request, "lo")
	binary.NativeEndian.PutUint16(request[unix.IFNAMSIZ:], unix.IFF_UP|unix.IFF_RUNNING)
	do(p, "bring loopback up", unix.SYS_IOCTL, fd, unix.SIOCSIFFLAGS, p.Bytes(request))
	do(p, "close the socket", unix.SYS_CLOSE, fd)
}

// Add appends the steps that make the sockets and send them over control, a connected Unix socket: a listener and a socket for
// datagrams at each address. It leaves no descriptor open.
func Add(p *steps.Program, control, free int, at ...netip.AddrPort) {
	var made []int
	next := func() int { // the number that the kernel gives
		n := free
		if n == control {
			n++
		}
		made, free = append(made, n), n+1
		return n
	}
	for _, a := range at {
		ip := a.Addr().As4()
		address := make([]byte, unix.SizeofSockaddrInet4)
		binary.NativeEndian.PutUint16(address, unix.AF_INET)
		binary.BigEndian.PutUint16(address[2:], a.Port())
		copy(address[4:], ip[:])
		name := p.Bytes(address)
		listener := open(p, "open the inlet", next(), unix.AF_INET, unix.SOCK_STREAM)
		do(p, "bind the inlet to "+a.String(), unix.SYS_BIND, listener, name, uintptr(len(address)))
		do(p, "listen on the inlet", unix.SYS_LISTEN, listener, backlog)
		datagrams := open(p, "open the inlet for datagrams", next(), unix.AF_INET, unix.SOCK_DGRAM)
		do(p, "bind the inlet for datagrams to "+a.String(), unix.SYS_BIND, datagrams, name, uintptr(len(address)))
	}
	var rights []byte
	for _, fd := range made {
		rights = binary.NativeEndian.AppendUint32(rights, uint32(fd)) //nolint:gosec // a descriptor
	}
	header, _ := Message(p, Packet, rights)
	sent := do(p, "hand over the inlet", unix.SYS_SENDMSG, uintptr(control), header, unix.MSG_NOSIGNAL)
	p.At(sent).Want = 1
	for _, fd := range made {
		do(p, "close a socket of the inlet here", unix.SYS_CLOSE, uintptr(fd))
	}
}

// Message places a struct msghdr of one byte with descriptors, and returns its address and theirs.
func Message(p *steps.Program, kind byte, rights []byte) (header, right uintptr) {
	vector := p.Words(p.Bytes([]byte{kind}), 1)
	control := p.Words(uintptr(unix.CmsgLen(len(rights))), unix.SOL_SOCKET|unix.SCM_RIGHTS<<32)
	right = p.Bytes(rights) // just behind
	return p.Words(0, 0, vector, 1, control, uintptr(unix.CmsgSpace(len(rights))), 0), right
}

func open(p *steps.Program, name string, free int, family, kind uintptr) uintptr {
	p.At(do(p, name, unix.SYS_SOCKET, family, kind|unix.SOCK_CLOEXEC)).Want = int64(free)
	return uintptr(free)
}

func do(p *steps.Program, name string, call uintptr, args ...uintptr) uintptr {
	s := steps.Step{Name: name, Call: call}
	copy(s.Args[:], args)
	return p.Add(s)
}

// The layouts above are those of 64-bit machines.
const _ = uint(unsafe.Sizeof(uintptr(0)) - 8)
