package netproxy

import (
	"context"
	"fmt"
	"net"
)

// Inlet is where the connections of one call come in. Its sockets may live in a network namespace of their own: a socket
// belongs to the namespace it was made in, whoever holds its descriptor. Serve closes them.
type Inlet struct {
	Listener net.Listener
	// Datagrams is the relay of SOCKS5 UDP ASSOCIATE, reachable for the clients of Listener; nil refuses UDP.
	Datagrams net.PacketConn
	// Call goes into every decision, and as execution.id into its event.
	Call string
}

// inlet is one that is served.
type inlet struct {
	Inlet
	p       *Proxy
	slots   chan struct{} // one element for each open connection
	relay   *relay        // of datagrams; or nil
	workers *workers
}

// Serve carries the connections of an inlet until ctx ends, and then returns nil; any other end is an error of the listener.
func (p *Proxy) Serve(ctx context.Context, in Inlet) error {
	i := &inlet{Inlet: in, p: p, slots: make(chan struct{}, p.limits.CallConns)}
	ctx, cancel := context.WithCancelCause(ctx)
	i.workers = newWorkers(ctx)
	defer i.workers.wait()
	defer i.close()
	defer cancel(errStopped)
	if in.Datagrams != nil {
		i.relay = &relay{p: p, call: in.Call, pc: in.Datagrams, flows: map[flowKey]*flow{}}
		i.workers.do(i.relay.serve)
	}
	defer context.AfterFunc(ctx, i.close)()
	for {
		if !take(ctx, i.slots) {
			return nil
		}
		conn, err := in.Listener.Accept()
		if err != nil {
			<-i.slots
			if ctx.Err() != nil {
				return nil
			}
			if passing(err) && pause(ctx) {
				p.log.Warn("accept failed, trying again", "err", err)
				continue
			}
			return fmt.Errorf("accept network proxy connection: %w", err)
		}
		// One connection may wait here for its place among all of them; further ones wait in the backlog.
		if !take(ctx, p.slots) {
			_ = conn.Close()
			return nil
		}
		i.workers.do(func() {
			defer func() { <-p.slots; <-i.slots }()
			i.serve(ctx, conn)
		})
	}
}

func (i *inlet) close() {
	_ = i.Listener.Close()
	if i.Datagrams != nil {
		_ = i.Datagrams.Close()
	}
}

func take(ctx context.Context, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
