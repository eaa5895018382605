package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"proctor/policy/filesystem"
)

// Proxy is the one road out of a command that has a network namespace of its own with nothing in it but loopback.
type Proxy struct {
	// Environ are the variables, "NAME=value", that tell programs of the proxy; they replace those of the same names.
	Environ func(at netip.AddrPort) []string
	// Serve carries what comes over the sockets until ctx ends, closes them, and returns when nothing of it is left. It is
	// called once for each command that runs, and Process.Wait returns after it. It must not wait for the process.
	Serve func(ctx context.Context, s Sockets)
	// Connect, when set, is asked for a way to an address that a program connects a TCP socket to which the network namespace
	// does not have, and to any address at port 53. An error is what the program gets: a *[Unreachable], or else EHOSTUNREACH.
	// It is called while Serve runs, from several goroutines, and may wait; program is the base name of who asks.
	Connect func(ctx context.Context, to netip.AddrPort, program string) (Passage, error)
}

// Passage is a way to a destination. One of its methods is called, once.
type Passage interface {
	// Carry carries conn until both sides have ended or the passage is over, and closes it.
	Carry(conn net.Conn)
	// Close ends a passage that carries nothing.
	Close()
}

// Unreachable is why a program is not connected.
type Unreachable struct{ Errno syscall.Errno }

func (u *Unreachable) Error() string { return "connect: " + u.Errno.Error() }

// ProxyAddr is where a command in a network namespace of its own finds the proxy: all ports are free in there.
var ProxyAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 3128)

// Sockets are bound to the address of the proxy where the command is, and used here: a socket stays in the network namespace
// that it was made in. They end with this process or Serve, whatever the command does.
type Sockets struct {
	Listener net.Listener
	// Datagrams is nil where there are none.
	Datagrams net.PacketConn
	// Carried is where connections of Proxy.Connect come in, and Names where datagrams to port 53 do; nil without Connect. The
	// backend uses and closes Carried itself.
	Carried net.Listener
	Names   net.PacketConn
}

// CarriedAddr is where Sockets.Carried and Names are bound.
var CarriedAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 3129)

// Close closes what is there.
func (s Sockets) Close() {
	if s.Listener != nil {
		_ = s.Listener.Close()
	}
	if s.Datagrams != nil {
		_ = s.Datagrams.Close()
	}
	if s.Carried != nil {
		_ = s.Carried.Close()
	}
	if s.Names != nil {
		_ = s.Names.Close()
	}
}

// Announced is the environment of s with what the sandbox itself says of the network. at is the address of the proxy.
func Announced(s Spec, at netip.AddrPort) []string {
	switch {
	case s.Plan.Network == filesystem.NetworkOff:
		return append(slices.Clone(s.Env), NetworkDisabledEnv)
	case s.Plan.Network == filesystem.NetworkProxied && s.Proxy != nil:
		by := s.Proxy.Environ(at)
		if s.Proxy.Connect != nil {
			by = append(slices.Clone(by), "RES_OPTIONS=use-vc") // the C library asks over TCP: it minds who answers a datagram
		}
		return replaced(s.Env, by)
	}
	return slices.Clone(s.Env)
}

func replaced(env, by []string) []string {
	set := make(map[string]bool, len(by))
	for _, v := range by {
		name, _, _ := strings.Cut(v, "=")
		set[name] = true
	}
	out := make([]string, 0, len(env)+len(by))
	for _, v := range env {
		if name, _, _ := strings.Cut(v, "="); !set[name] {
			out = append(out, v)
		}
	}
	return append(out, by...)
}

// checkProxy: a plan that names a proxy needs one.
func checkProxy(s Spec) error {
	if s.Plan.Network != filesystem.NetworkProxied {
		return nil
	}
	if s.Proxy == nil || s.Proxy.Environ == nil || s.Proxy.Serve == nil {
		return fmt.Errorf("%w: the plan's network is proxied, and Proxy is not set", ErrInvalidSpec)
	}
	return nil
}
