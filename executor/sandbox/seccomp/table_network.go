package seccomp

import "golang.org/x/sys/unix"

// networkCalls. With the network off only Unix stream sockets can be made, and they cannot be connected or bound:
// a datagram socket, also one of a pair, could reach a Unix socket of the host through sendmsg, whose address no
// filter sees. (C libraries make a stream socket for every name service lookup; refusing the connect instead of
// the socket tells these from an attempt on a daemon.)
// With the network on, families that leave the machine's network stack or reach its hypervisor stay closed.
func networkCalls() []Call {
	off := func(class Class, name string) Call {
		return Call{Name: name, Class: class, Scope: NetworkOff, Access: name}
	}
	withAddr := func(c Call, arg int) Call { c.Addr = arg; return c }
	pair := func(scope Scope) Call {
		return Call{Name: "socketpair", Class: Refused, Scope: scope, Access: "socket"}
	}
	return []Call{
		{Name: "socket", Class: Refused, Scope: NetworkOff, Access: "socket", When: when(not(familyArg, unix.AF_UNIX))},
		{Name: "socket", Class: Refused, Scope: NetworkOff, Access: "socket", When: when(is(familyArg, unix.AF_UNIX), bits(1, datagramBit))},
		pair(NetworkOff).only(not(familyArg, unix.AF_UNIX)),
		pair(NetworkOff).only(is(familyArg, unix.AF_UNIX), bits(1, datagramBit)),
		withAddr(off(Refused, "connect"), 1),
		withAddr(off(Refused, "bind"), 1),
		withAddr(off(Refused, "sendto"), 4).only(not(4, 0)),
		off(Silent, "sendto").only(is(4, 0)),
		off(Silent, "sendmmsg"), off(Silent, "recvmmsg"),
		off(Silent, "listen"), off(Silent, "accept"), off(Silent, "accept4"), off(Silent, "shutdown"),
		off(Silent, "getsockname"), off(Silent, "getpeername"),
		off(Silent, "getsockopt"), off(Silent, "setsockopt"),

		{Name: "socket", Class: Refused, Scope: NetworkOn, Access: "socket", When: when(not(familyArg, unix.AF_UNIX),
			not(familyArg, unix.AF_INET), not(familyArg, unix.AF_INET6), not(familyArg, unix.AF_NETLINK))},
		pair(NetworkOn).only(not(familyArg, unix.AF_UNIX)),
	}
}
