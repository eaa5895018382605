package netproxy

import (
	"context"
	"net"
	"sync"
	"time"
)

// lifetime is that of a client connection, a passage or a flow of datagrams: when its context ends, by silence, by the total limit or
// because the proxy stops, everything that is attached to it is closed.
type lifetime struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	total   *time.Timer
	unwatch func() bool
	workers *workers // of the inlet; nil where there is none

	mu     sync.Mutex
	client net.Conn // nil before attach
	road   *road    // of the exchange that goes on; or nil
	over   bool
}

// live starts the total limit. The caller calls end.
func (p *Proxy) live(ctx context.Context, client net.Conn) *lifetime {
	l := &lifetime{client: client}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.total = time.AfterFunc(p.limits.Total, l.expire)
	l.unwatch = context.AfterFunc(l.ctx, l.cut)
	return l
}

func (l *lifetime) expire() { l.cancel(errTotal) }

// end lets go of what is attached.
func (l *lifetime) end() {
	l.total.Stop()
	l.unwatch()
	l.cancel(nil)
}

func (l *lifetime) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.client != nil {
		_ = l.client.Close()
	}
	if l.road != nil {
		_ = l.road.Close()
	}
}

// attach names the client, which is closed at once when the lifetime is over.
func (l *lifetime) attach(client net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.client = client
	if l.over {
		_ = client.Close()
	}
}

// lead names the road that is closed with the rest, or none; false means that the lifetime is over.
func (l *lifetime) lead(r *road) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.road = r
	return !l.over
}

// beside runs f in another goroutine, which the caller waits for.
func (l *lifetime) beside(ends *sync.WaitGroup, f func()) {
	if l.workers == nil {
		ends.Go(f)
		return
	}
	ends.Add(1)
	l.workers.do(func() {
		defer ends.Done()
		f()
	})
}
