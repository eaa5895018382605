//go:build linux

package denial

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/seccomp"
)

// lookAddress reports an address beyond loopback in a network namespace that holds nothing else: the kernel has no route.
func (s *Supervisor) lookAddress(l listener, n *notification, row seccomp.Call) {
	text := s.addressOf(n, row)
	to, err := netip.ParseAddrPort(text)
	if err != nil || to.Addr().IsLoopback() || to.Addr().IsUnspecified() {
		return
	}
	s.report(l, n, sandbox.Denial{Syscall: row.Name, Access: row.Access, Address: text, Rule: row.Rule, Errno: unix.ENETUNREACH})
}
