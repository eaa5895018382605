package netproxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"proctor/policy/egress"
)

// Why an exchange was ended by the proxy.
var (
	errIdle    = errors.New("nothing was sent or received for too long")
	errTotal   = errors.New("the connection was open for too long")
	errStopped = errors.New("the proxy was stopped")
	errOver    = errors.New("over") // in order
)

// exchange is one allowed request on its way. Its connections are closed when its context ends: by silence, by the
// total limit of the client connection, or because the proxy stops.
type exchange struct {
	p        *Proxy
	decision Decision
	begun    time.Time
	ctx      context.Context
	cancel   context.CancelCauseFunc
	idle     time.Duration // the longest silence
	silence  *time.Timer
	moved    atomic.Int64 // when a byte moved last, in nanoseconds after begun
	unwatch  func() bool
	err      error  // the first failure
	after    func() // called at the end; nil: nothing

	mu     sync.Mutex // guards the connections against the watcher
	client net.Conn   // nil before attach
	road   *road      // nil before take
	over   bool
	before traffic // of the road, which may have carried requests before
}

// traffic is in bytes.
type traffic struct{ sent, received int64 }

// begin starts the clocks. The caller calls end.
func (p *Proxy) begin(ctx context.Context, d Decision, client net.Conn) *exchange {
	x := &exchange{p: p, decision: d, begun: time.Now(), client: client, idle: p.limits.Idle}
	if d.Protocol == egress.SOCKS5UDP {
		x.idle = p.limits.UDPIdle
	}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.silence = time.AfterFunc(x.idle, x.quiet)
	x.unwatch = context.AfterFunc(x.ctx, x.cut)
	return x
}

// quiet is called when the exchange may have been silent for too long.
func (x *exchange) quiet() {
	left := x.idle - (time.Since(x.begun) - time.Duration(x.moved.Load()))
	if left <= 0 {
		why := errIdle
		if x.decision.Protocol == egress.SOCKS5UDP {
			why = errOver // datagrams have no other end
		}
		x.cancel(why)
		return
	}
	x.silence.Reset(left)
}

// alive puts the end by silence off.
func (x *exchange) alive() { x.moved.Store(int64(time.Since(x.begun))) }

func (x *exchange) cut() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	if x.client != nil {
		_ = x.client.Close()
	}
	if x.road != nil {
		_ = x.road.Close()
	}
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

// take makes a road the exchange's.
func (x *exchange) take(r *road) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	r.user.Store(x)
	x.road, x.before = r, r.totals()
	x.decision.Dialled, x.decision.Via = r.to, r.via
	if x.over {
		_ = r.Close()
		return x.fail(context.Cause(x.ctx))
	}
	x.alive()
	return nil
}

// end closes the road, unless it is kept, and reports what happened. Nothing may read or write any more.
func (x *exchange) end(keep bool) {
	x.unwatch()
	d := x.decision
	d.Duration = time.Since(x.begun)
	if x.road != nil {
		if !keep {
			_ = x.road.Close()
		}
		t := x.road.totals()
		d.Sent, d.Received = t.sent-x.before.sent, t.received-x.before.received
	}
	x.silence.Stop()
	if cause := context.Cause(x.ctx); cause != nil {
		x.err = cause
	}
	if errors.Is(x.err, context.Canceled) {
		x.err = errStopped
	}
	if x.err != nil && !errors.Is(x.err, errOver) {
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
