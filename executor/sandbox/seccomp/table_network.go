//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// networkCalls, by network mode.
//
// Off: no socket but pairs of connected Unix sockets, used with read, write, sendmsg and recvmsg. A datagram socket, also
// one of a pair, could reach a Unix socket of the host through sendmsg, whose address no filter sees; so could a
// stream socket by connect. The one exception are sockets of exactly the kind that C libraries make to ask a name
// service daemon, and give up on when the connect is refused.
//
// shutdown stays open, other than in Codex: Node.js ends the input of a child with it.
//
// Proxied: TCP and UDP sockets and pairs of connected Unix sockets, without those of datagrams as above; the network namespace holds nothing but the proxy. Addresses that calls name are
// looked at, for a program that does not know of the proxy; the kernel has no route for them.
//
// On: families that leave the machine's network stack or reach its hypervisor stay closed, and so do raw sockets.
func networkCalls() []Call {
	const nameService = unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	family, kind := 0, 1
	off := func(class Class, name string) Call {
		return Call{Name: name, Class: class, Scope: NetworkOff, Access: name, Rule: RuleNetworkOff}
	}
	withAddr := func(c Call, arg int) Call { c.Addr = arg; return c }
	proxied := func(name string, arg int) Call {
		return Call{Name: name, Class: Watched, Scope: NetworkProxied, Access: "connect", Rule: RuleProxyOnly, Addr: arg}
	}
	socket := func(name string, scope Scope, conditions ...Condition) Call {
		rule := RuleNetworkFamily
		if scope == NetworkOff {
			rule = RuleNetworkOff
		}
		return Call{Name: name, Class: Refused, Scope: scope, Access: "socket", Rule: rule, When: conditions}
	}
	return []Call{
		socket("socket", NetworkOff, not(family, unix.AF_UNIX)),
		socket("socket", NetworkOff, not(kind, nameService)),
		socket("socketpair", NetworkOff, not(family, unix.AF_UNIX)),
		socket("socketpair", NetworkOff, not(kind, nameService), masked(kind, typeMask, unix.SOCK_DGRAM)),
		socket("socketpair", NetworkOff, not(kind, nameService), masked(kind, typeMask, unix.SOCK_RAW)),
		withAddr(off(Refused, "connect"), 1),
		withAddr(off(Refused, "bind"), 1),
		withAddr(off(Refused, "sendto"), 4).only(not(4, 0)),
		off(Silent, "sendto").only(is(4, 0)),
		off(Silent, "sendmmsg"), off(Silent, "recvmmsg"),
		off(Silent, "listen"), off(Silent, "accept"), off(Silent, "accept4"),
		off(Silent, "getsockname"), off(Silent, "getpeername"),
		off(Silent, "getsockopt"), off(Silent, "setsockopt"),

		proxied("connect", 1), proxied("sendto", 4).only(not(4, 0)),
		// The question to a name service daemon, whose answer nobody waits for.
		Call{Name: "socket", Class: Silent, Scope: NetworkProxied, Access: "socket", Rule: RuleNetworkFamily, When: when(is(family, unix.AF_UNIX), is(kind, nameService))},
		socket("socket", NetworkProxied, not(family, unix.AF_INET), not(family, unix.AF_INET6), not(family, unix.AF_UNIX)),
		socket("socket", NetworkProxied, not(family, unix.AF_INET), not(family, unix.AF_INET6), not(kind, nameService)),
		socket("socket", NetworkOn, not(family, unix.AF_UNIX), not(family, unix.AF_INET), not(family, unix.AF_INET6), not(family, unix.AF_NETLINK)),
		socket("socket", NetworkProxied|NetworkOn, not(family, unix.AF_UNIX), not(family, unix.AF_NETLINK), masked(kind, typeMask, unix.SOCK_RAW)),
		socket("socketpair", NetworkProxied|NetworkOn, not(family, unix.AF_UNIX)),
		socket("socketpair", NetworkProxied, masked(kind, typeMask, unix.SOCK_DGRAM)),
		socket("socketpair", NetworkProxied, masked(kind, typeMask, unix.SOCK_RAW)),
	}
}
