package netproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"proctor/policy/egress"
)

// road is a connection to a destination. It counts what passes, and keeps the exchange awake that uses it.
type road struct {
	net.Conn
	to   netip.AddrPort // zero for a Unix socket and behind an upstream proxy
	via  string         // the upstream proxy
	user atomic.Pointer[exchange]

	sent, received atomic.Int64

	// What a kept road leads to, as the client named it, and the responses that come from there.
	host string
	port uint16
	in   *bufio.Reader
	head headLimit
	// first is the decision that let the road out, or a later one that was no repetition.
	first *Decision
}

func (r *road) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if n > 0 {
		r.received.Add(int64(n))
		r.user.Load().alive()
	}
	return n, err
}

func (r *road) Write(b []byte) (int, error) {
	n, err := r.Conn.Write(b)
	if n > 0 {
		r.sent.Add(int64(n))
		r.user.Load().alive()
	}
	return n, err
}

func (r *road) totals() traffic { return traffic{r.sent.Load(), r.received.Load()} }

// CloseWrite ends one direction, or the connection where the transport cannot do that.
func (r *road) CloseWrite() error { return closeWrite(r.Conn) }

func closeWrite(c io.Closer) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// dial connects: to the socket, to the first judged address that answers, or through the upstream proxy.
func (x *exchange) dial() error {
	ctx, cancel := context.WithTimeout(x.life.ctx, x.p.limits.Dial)
	defer cancel()
	if x.decision.Repeats {
		if err := x.p.redial(context.WithoutCancel(ctx)); err != nil {
			return x.fail(fmt.Errorf("connect to %s anew: %w: %w", x.decision.Host, errNotReported, err))
		}
	}
	if x.decision.Protocol == egress.Unix {
		conn, err := dialSocket(ctx, x.decision.Rule)
		if err != nil {
			return x.fail(fmt.Errorf("connect to socket %s: %w", x.decision.Rule, err))
		}
		return x.take(&road{Conn: conn})
	}
	if via := x.p.upstream.pick(x.decision); via != nil {
		conn, err := x.p.through(ctx, via, x.decision)
		if err != nil {
			return x.fail(fmt.Errorf("connect to %s through %s: %w", x.decision.Host, via.Host, err))
		}
		return x.take(&road{Conn: conn, via: via.Host})
	}
	return x.direct(ctx)
}

func (x *exchange) direct(ctx context.Context) error {
	addrs := x.decision.Resolved
	if len(addrs) == 0 {
		return x.fail(fmt.Errorf("connect to %s: the name has no address", x.decision.Host))
	}
	var failed []error
	for i, a := range addrs {
		to := netip.AddrPortFrom(a, x.decision.Port)
		conn, err := x.try(ctx, to, len(addrs)-i)
		if err != nil {
			failed = append(failed, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		return x.take(&road{Conn: conn, to: to})
	}
	return x.fail(fmt.Errorf("connect to %s: %w", x.decision.Host, errors.Join(failed...)))
}

// minAttempt is the least time for one address while more of them wait.
const minAttempt = 2 * time.Second

// try gives an address its share of the remaining time.
func (x *exchange) try(ctx context.Context, to netip.AddrPort, left int) (net.Conn, error) {
	if until, ok := ctx.Deadline(); ok && left > 1 {
		share := max(time.Until(until)/time.Duration(left), minAttempt)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	network := "tcp"
	if x.decision.Protocol == egress.SOCKS5UDP {
		network = "udp"
	}
	return x.p.dialer.DialContext(ctx, network, to.String())
}
