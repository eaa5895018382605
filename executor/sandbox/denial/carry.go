//go:build linux

package denial

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/seccomp"
)

// Connecting is a stopped connect of a TCP or UDP socket.
type Connecting struct {
	// Socket is a descriptor of ours for the caller's own socket, so that what is done to it is done in the caller's network
	// namespace. It is closed after Options.Connect.
	Socket int
	// Datagrams: UDP, and To has port 53.
	Datagrams bool
	To        netip.AddrPort
	Program   string
	// Waits reports whether the caller still waits for the answer.
	Waits func() bool
}

// portOfNames is that of name servers.
const portOfNames = 53

// carry lets Options.Connect carry out a connect to an address that the network namespace does not have, or to a name
// server, and reports whether the call is settled. The address is read once and is that which is judged; the socket is the
// one that is connected, whatever the caller does with its descriptor meanwhile.
func (s *Supervisor) carry(l listener, n *notification, row seccomp.Call) bool {
	if s.options.Connect == nil || row.Name != "connect" || row.Addr == 0 {
		return false
	}
	to, err := netip.ParseAddrPort(s.addressOf(n, row))
	if err != nil || (to.Addr().IsLoopback() || to.Addr().IsUnspecified()) && to.Port() != portOfNames {
		return false
	}
	socket, err := takeSocket(process(int(n.PID)), int(int32(n.Data.Args[0])))
	if err != nil {
		return false
	}
	protocol, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	_, connected := unix.Getpeername(socket)
	datagrams := protocol == unix.IPPROTO_UDP && to.Port() == portOfNames
	if err == nil && connected == nil && protocol == unix.IPPROTO_TCP {
		_ = unix.Close(socket)
		_ = l.refuse(n.ID, unix.EISCONN)
		return true
	}
	if err != nil || protocol != unix.IPPROTO_TCP && !datagrams || !l.valid(n.ID) {
		_ = unix.Close(socket)
		return false
	}
	if !s.later.add(1) {
		_ = unix.Close(socket)
		_ = l.refuse(n.ID, unix.EAGAIN)
		return true
	}
	id := n.ID
	c := Connecting{Socket: socket, Datagrams: datagrams, To: to, Program: program(int(n.PID)), Waits: func() bool { return l.valid(id) }}
	s.carrying.Go(func() {
		defer s.later.add(-1)
		errno := s.options.Connect(c)
		_ = unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{}) // the caller's must not hold us up
		_ = unix.Close(socket)
		_ = l.respond(id, 0, errno)
	})
	return true
}

// takeSocket is a descriptor of ours for what a process has under fd.
func takeSocket(pid, fd int) (int, error) {
	p, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(p) }()
	return unix.PidfdGetfd(p, fd, 0)
}

func (s *Supervisor) addressOf(n *notification, row seccomp.Call) string {
	length := min(n.Data.Args[row.Addr+1], addressLimit)
	return address(s.resolver.reader.Bytes(int(n.PID), n.Data.Args[row.Addr], int(length)))
}
