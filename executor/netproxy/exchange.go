package netproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Why an exchange was ended by the proxy.
var (
	errIdle    = errors.New("nothing was sent or received for too long")
	errTotal   = errors.New("the connection was open for too long")
	errStopped = errors.New("the proxy was stopped")
)

// exchange is one allowed request on its way. Its connections are closed when its context ends: by silence, by the
// total limit of the client connection, or because the proxy stops.
type exchange struct {
	p        *Proxy
	decision Decision
	begun    time.Time
	ctx      context.Context
	cancel   context.CancelCauseFunc
	silence  *time.Timer
	unwatch  func() bool
	err      error // the first failure

	after    func()     // called at the end; nil: nothing
	mu       sync.Mutex // guards the connections against the watcher
	client   net.Conn   // nil before attach
	upstream *meter
	over     bool
}

// begin starts the clocks. The caller calls end.
func (p *Proxy) begin(ctx context.Context, d Decision) *exchange {
	x := &exchange{p: p, decision: d, begun: time.Now()}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.silence = time.AfterFunc(p.limits.Idle, func() { x.cancel(errIdle) })
	x.unwatch = context.AfterFunc(x.ctx, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.over = true
		if x.client != nil {
			_ = x.client.Close()
		}
		if x.upstream != nil {
			_ = x.upstream.Close()
		}
	})
	return x
}

// attach names the connection that is closed when the clocks run out.
func (x *exchange) attach(client net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.client = client
	if x.over {
		_ = client.Close()
	}
}

// end closes the upstream connection and reports what happened.
func (x *exchange) end() {
	x.unwatch()
	d := x.decision
	d.Duration = time.Since(x.begun)
	if x.upstream != nil {
		_ = x.upstream.Close()
		d.Sent, d.Received = x.upstream.totals()
	}
	x.silence.Stop()
	if cause := context.Cause(x.ctx); cause != nil {
		x.err = cause
	}
	if errors.Is(x.err, context.Canceled) {
		x.err = errStopped
	}
	if x.err != nil {
		d.Failure = x.err.Error()
	}
	x.cancel(nil)
	if x.after != nil {
		x.after()
	}
	x.p.closed(d)
}

// fail remembers why the exchange did not end in order.
func (x *exchange) fail(err error) error {
	if x.err == nil {
		x.err = err
	}
	return err
}

// dial connects to the first judged address that answers.
func (x *exchange) dial() error {
	addrs := x.decision.Resolved
	if len(addrs) == 0 {
		return x.fail(fmt.Errorf("connect to %s: the name has no address", x.decision.Host))
	}
	ctx, cancel := context.WithTimeout(x.ctx, x.p.limits.Dial)
	defer cancel()
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
		return x.take(conn, to)
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
	return x.p.dialer.DialContext(ctx, "tcp", to.String())
}

func (x *exchange) take(conn net.Conn, to netip.AddrPort) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.upstream = &meter{Conn: conn, moved: x.alive}
	x.decision.Dialled = to
	if x.over {
		return x.fail(context.Cause(x.ctx))
	}
	x.alive()
	return nil
}

// alive puts the end by silence off.
func (x *exchange) alive() { x.silence.Reset(x.p.limits.Idle) }

// meter counts what passes a connection.
type meter struct {
	net.Conn
	moved func()

	writing sync.Mutex // held during a Write; guards sent
	sent    int64

	reading  sync.Mutex // held during a Read; guards received
	received int64
}

func (m *meter) Read(b []byte) (int, error) {
	m.reading.Lock()
	defer m.reading.Unlock()
	n, err := m.Conn.Read(b)
	if n > 0 {
		m.received += int64(n)
		m.moved()
	}
	return n, err
}

func (m *meter) Write(b []byte) (int, error) {
	m.writing.Lock()
	defer m.writing.Unlock()
	n, err := m.Conn.Write(b)
	if n > 0 {
		m.sent += int64(n)
		m.moved()
	}
	return n, err
}

// totals is for a closed connection: it waits for the last Read and Write to be counted.
func (m *meter) totals() (sent, received int64) {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.reading.Lock()
	defer m.reading.Unlock()
	return m.sent, m.received
}

// CloseWrite ends one direction, or the connection where the transport cannot do that.
func (m *meter) CloseWrite() error { return closeWrite(m.Conn) }

func closeWrite(c io.Closer) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
