package netproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"proctor/policy"
	"proctor/policy/egress"
)

// Transparent is one TCP connection of a program that knows of no proxy.
type Transparent struct {
	Call   string
	Client string // what is known of the program; may be empty
	To     netip.AddrPort
	Name   string // what the program asked a Stub for; empty when it used the address itself
}

// Refused is the error of a connection that policy does not allow.
type Refused struct{ Decision }

func (r *Refused) Error() string {
	return fmt.Sprintf("connect to %s:%d: refused by network policy: %s", clip(r.Host), r.Port, r.Reason)
}

// Passage is an allowed transparent connection to its destination, which Carry or Close ends.
type Passage struct{ x *exchange }

// Open judges a connection and connects to its destination. The error is a *Refused when policy does not allow it. The
// passage ends with ctx at the latest.
func (p *Proxy) Open(ctx context.Context, t Transparent) (*Passage, error) {
	host := t.Name
	if host == "" {
		host = t.To.Addr().Unmap().String()
	}
	d, err := p.judge(ctx, origin{t.Call, t.Client}, egress.Request{Host: host, Port: t.To.Port(), Protocol: egress.TCP})
	if err != nil {
		return nil, err
	}
	if d.Outcome != policy.Allow {
		return nil, &Refused{d}
	}
	life := p.live(ctx, nil)
	x := p.begin(life, d)
	x.after = life.end
	if err := x.dial(); err != nil {
		x.end(false)
		return nil, err
	}
	return &Passage{x}, nil
}

// Decision is that about the passage, with the address that was dialled.
func (g *Passage) Decision() Decision { return g.x.decision }

// Carry carries conn until both sides have ended, and closes it.
func (g *Passage) Carry(conn net.Conn) {
	defer conn.Close()
	defer g.x.end(false)
	g.x.life.attach(conn)
	g.x.tunnel(conn, conn)
}

// Close ends a passage that carries nothing.
func (g *Passage) Close() {
	_ = g.x.fail(errors.New("the connection was not taken over"))
	g.x.end(false)
}

// Carry is Open and then Passage.Carry; it closes conn whatever happens.
func (p *Proxy) Carry(ctx context.Context, t Transparent, conn net.Conn) error {
	g, err := p.Open(ctx, t)
	if err != nil {
		_ = conn.Close()
		return err
	}
	g.Carry(conn)
	return nil
}
