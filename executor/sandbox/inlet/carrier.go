//go:build linux

package inlet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
)

// Carrier connects sockets of programs that know of no proxy. The caller's own socket is connected to Sockets.Carried, a
// listener in the same network namespace, and never leaves it: connected anew to elsewhere, it finds nothing. Which
// passage belongs to a connection that comes in is known by its port.
type Carrier struct {
	ctx      context.Context
	proxy    *sandbox.Proxy
	listener net.Listener
	carrying sync.WaitGroup

	mu      sync.Mutex
	waiting map[uint16]chan net.Conn
}

// meeting bounds the connection within the namespace, which takes no time unless the machine has none.
const meeting = 30 * time.Second

// NewCarrier takes over the listener. Run must be called.
func NewCarrier(ctx context.Context, p *sandbox.Proxy, l net.Listener) *Carrier {
	return &Carrier{ctx: ctx, proxy: p, listener: l, waiting: map[uint16]chan net.Conn{}}
}

// Wait returns when all connections are over. Connect is not called any more.
func (c *Carrier) Wait() { c.carrying.Wait() }

// Run takes connections until ctx ends.
func (c *Carrier) Run() {
	defer context.AfterFunc(c.ctx, func() { _ = c.listener.Close() })()
	for {
		conn, err := c.listener.Accept()
		switch {
		case err == nil:
			c.deliver(conn)
		case c.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		default: // no descriptors are left, or the like
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// deliver hands a connection to who waits for it. One that nobody waits for was made by a program on its own.
func (c *Carrier) deliver(conn net.Conn) {
	from, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	c.mu.Lock()
	waits, ok := c.waiting[from.Port()]
	delete(c.waiting, from.Port())
	c.mu.Unlock()
	if !ok {
		_ = conn.Close()
		return
	}
	waits <- conn
}

// Names connects a datagram socket to Sockets.Names.
func (c *Carrier) Names(socket int) unix.Errno { return connect(socket) }

// Connect opens a passage and connects the socket to it. 0 means that it is connected; waits reports whether anybody still waits for that.
func (c *Carrier) Connect(to netip.AddrPort, program string, socket int, waits func() bool) unix.Errno {
	passage, err := c.proxy.Connect(c.ctx, to, program)
	if err != nil {
		if u, ok := errors.AsType[*sandbox.Unreachable](err); ok {
			return u.Errno
		}
		return unix.EHOSTUNREACH
	}
	conn, errno := c.meet(socket, waits)
	if errno != 0 {
		passage.Close()
		return errno
	}
	c.carrying.Go(func() { passage.Carry(conn) })
	return 0
}

// meet connects the socket and returns the other end.
func (c *Carrier) meet(socket int, waits func() bool) (net.Conn, unix.Errno) {
	port, err := bind(socket)
	if err != nil {
		return nil, number(err)
	}
	came := make(chan net.Conn, 1)
	c.mu.Lock()
	_, taken := c.waiting[port]
	if !taken {
		c.waiting[port] = came
	}
	c.mu.Unlock()
	if taken {
		return nil, unix.EADDRINUSE
	}
	errno := unix.EINTR
	if waits() {
		errno = connect(socket)
	}
	if errno == 0 {
		limit := time.NewTimer(meeting)
		defer limit.Stop()
		select {
		case conn := <-came:
			return conn, 0
		case <-c.ctx.Done():
		case <-limit.C:
		}
		errno = unix.ETIMEDOUT
	}
	c.mu.Lock()
	delete(c.waiting, port)
	c.mu.Unlock()
	select {
	case conn := <-came:
		_ = conn.Close()
	default:
	}
	return nil, errno
}

// bind gives a socket a port on loopback, unless it has one, and returns it.
func bind(socket int) (uint16, error) {
	name, err := unix.Getsockname(socket)
	if err != nil {
		return 0, err
	}
	if port := portOf(name); port != 0 {
		return port, nil
	}
	if err := unix.Bind(socket, local(socket, 0)); err != nil {
		return 0, err
	}
	if name, err = unix.Getsockname(socket); err != nil {
		return 0, err
	}
	return portOf(name), nil
}

func portOf(name unix.Sockaddr) uint16 {
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port) //nolint:gosec // a port
	case *unix.SockaddrInet6:
		return uint16(a.Port) //nolint:gosec // a port
	}
	return 0
}

// local is the loopback address in the family of the socket.
func local(socket int, port uint16) unix.Sockaddr {
	ip := sandbox.CarriedAddr.Addr()
	if family, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && family == unix.AF_INET6 {
		_ = unix.SetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) // possible before it is bound
		return &unix.SockaddrInet6{Port: int(port), Addr: ip.As16()}
	}
	return &unix.SockaddrInet4{Port: int(port), Addr: ip.As4()}
}

// connect connects a socket to the address of the carrier, and waits for that where the socket does not.
func connect(socket int) unix.Errno {
	err := unix.Connect(socket, local(socket, sandbox.CarriedAddr.Port()))
	if !errors.Is(err, unix.EINPROGRESS) && !errors.Is(err, unix.EINTR) {
		return number(err)
	}
	fds := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLOUT}} //nolint:gosec // a descriptor
	deadline := time.Now().Add(meeting)
	for {
		n, err := unix.Poll(fds, int(time.Until(deadline).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR) && time.Now().Before(deadline):
			continue
		case err != nil:
			return number(err)
		case n == 0:
			return unix.ETIMEDOUT
		}
		break
	}
	failed, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return number(err)
	}
	if failed == 0 { // again, or the socket takes itself for one that is connecting until its owner calls
		if err := unix.Connect(socket, local(socket, sandbox.CarriedAddr.Port())); err != nil && !errors.Is(err, unix.EISCONN) {
			return number(err)
		}
	}
	return unix.Errno(failed)
}

func number(err error) unix.Errno {
	if err == nil {
		return 0
	}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return errno
	}
	return unix.EHOSTUNREACH
}
