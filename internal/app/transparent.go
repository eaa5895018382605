package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"proctor/executor/netproxy"
	"proctor/executor/sandbox"
)

// portOfNames is that of name servers: whoever a program asks, the stub answers.
const portOfNames = 53

// carried carries connections of the programs of one command that know of no proxy.
type carried struct {
	proxy     *netproxy.Proxy
	stub      *netproxy.Stub
	execution string
}

func newCarried(p *netproxy.Proxy, execution string) *carried {
	return &carried{proxy: p, stub: p.NewStub(execution), execution: execution}
}

// serve answers questions for names that come as datagrams.
func (c *carried) serve(ctx context.Context, names net.PacketConn) {
	_ = c.stub.ServePackets(ctx, names)
}

// connect is sandbox.Proxy.Connect.
func (c *carried) connect(ctx context.Context, to netip.AddrPort, program string) (sandbox.Passage, error) {
	if to.Port() == portOfNames {
		return questions{ctx, c.stub}, nil
	}
	name, _ := c.stub.Name(to.Addr())
	p, err := c.proxy.Open(ctx, netproxy.Transparent{Call: c.execution, Client: program, To: to, Name: name})
	if err == nil {
		return p, nil
	}
	if _, refused := errors.AsType[*netproxy.Refused](err); refused {
		return nil, &sandbox.Unreachable{Errno: syscall.EACCES}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return nil, &sandbox.Unreachable{Errno: errno}
	}
	return nil, err
}

// questions are those of one connection.
type questions struct {
	ctx  context.Context
	stub *netproxy.Stub
}

func (q questions) Carry(conn net.Conn) { q.stub.Carry(q.ctx, conn) }

func (questions) Close() {}
