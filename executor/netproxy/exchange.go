package netproxy

import (
	"context"
	"errors"
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

// exchange is one allowed request on its way, within the lifetime of what it came over.
type exchange struct {
	p        *Proxy
	life     *lifetime
	decision Decision
	begun    time.Time
	idle     time.Duration // the longest silence
	silence  *time.Timer
	moved    atomic.Int64 // when a byte moved last, in nanoseconds after begun
	err      error        // the first failure
	after    func()       // called at the end; nil: nothing
	road     *road        // nil before take
	before   traffic      // of the road, which may have carried requests before
}

// traffic is in bytes.
type traffic struct{ sent, received int64 }

// begin starts the clock of silence. The caller calls end.
func (p *Proxy) begin(l *lifetime, d Decision) *exchange {
	x := &exchange{p: p, life: l, decision: d, begun: time.Now(), idle: p.limits.Idle}
	if d.Protocol == egress.SOCKS5UDP {
		x.idle = p.limits.UDPIdle
	}
	x.silence = time.AfterFunc(x.idle, x.quiet)
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
		x.life.cancel(why)
		return
	}
	x.silence.Reset(left)
}

// alive puts the end by silence off.
func (x *exchange) alive() { x.moved.Store(int64(time.Since(x.begun))) }

// take makes a road the exchange's.
func (x *exchange) take(r *road) error {
	r.user.Store(x)
	x.road, x.before = r, r.totals()
	x.decision.Dialled, x.decision.Via = r.to, r.via
	if !x.life.lead(r) {
		_ = r.Close()
		return x.fail(context.Cause(x.life.ctx))
	}
	x.alive()
	return nil
}

// end closes the road, unless it is kept, and reports what happened. Nothing may read or write any more.
func (x *exchange) end(keep bool) {
	x.life.lead(nil)
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
	if cause := context.Cause(x.life.ctx); cause != nil {
		x.err = cause
	}
	if errors.Is(x.err, context.Canceled) {
		x.err = errStopped
	}
	if x.err != nil && !errors.Is(x.err, errOver) {
		d.Failure = x.err.Error()
	}
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
