package netproxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"

	"proctor/policy"
	"proctor/policy/egress"
)

// Bounds of UDP that are no one's choice.
const (
	maxDatagram = 64 << 10 // bytes
	maxWaiting  = 8        // datagrams of a flow that wait for the decision or the network; further ones are lost
	maxRefused  = 256      // destinations of an association that are remembered as refused; further ones are not judged
	maxUDPPeers = 8        // sockets of one association
)

// relay carries the datagrams of an inlet. It is known by its clients' addresses which association they belong to.
type relay struct {
	p    *Proxy
	call string
	pc   net.PacketConn

	mu           sync.Mutex
	associations []*association // oldest first
	flows        map[flowKey]*flow
}

// association is one UDP ASSOCIATE; it ends with its TCP connection.
type association struct {
	ctx     context.Context
	port    uint16 // that the client announced; 0 when it did not
	peers   []netip.AddrPort
	refused map[place]struct{}
	flows   sync.WaitGroup
}

type place struct {
	host string
	port uint16
}

type flowKey struct {
	peer netip.AddrPort
	to   place
}

// flow is what one socket of a client exchanges with one destination. It has one decision.
type flow struct {
	a     *association
	key   flowKey
	queue chan []byte
}

// serve reads until the socket is closed.
func (r *relay) serve() {
	b := make([]byte, maxDatagram)
	for {
		n, from, err := r.pc.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.p.log.Warn("the relay of datagrams ended", "err", err)
			return
		}
		peer, ok := addrPort(from)
		if !ok {
			continue
		}
		d, err := readDatagram(b[:n])
		if err != nil {
			r.p.log.Debug("a datagram was dropped", "client", peer, "err", err)
			continue
		}
		r.take(peer, d)
	}
}

func addrPort(a net.Addr) (netip.AddrPort, bool) {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	at := udp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true
}

// take puts a datagram into its flow, or loses it.
func (r *relay) take(peer netip.AddrPort, d datagram) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.owner(peer)
	if a == nil {
		return
	}
	key := flowKey{peer, place{d.host, d.port}}
	f, ok := r.flows[key]
	if !ok {
		_, refused := a.refused[key.to]
		if refused || d.port == 0 || len(a.refused) == maxRefused || len(r.flows) == r.p.limits.UDPFlows {
			return
		}
		f = &flow{a, key, make(chan []byte, maxWaiting)}
		r.flows[key] = f
		a.flows.Go(func() { r.run(f) })
	}
	select {
	case f.queue <- slices.Clone(d.data):
	default:
	}
}

// owner finds the association of a client's socket: that which has it already, that which announced its port, or the
// newest that announced none.
func (r *relay) owner(peer netip.AddrPort) *association {
	var announced, open *association
	for _, a := range r.associations {
		switch {
		case slices.Contains(a.peers, peer):
			return a
		case len(a.peers) == maxUDPPeers:
		case a.port == peer.Port():
			announced = a
		case a.port == 0 && (open == nil || len(open.peers) > 0 || len(a.peers) == 0):
			open = a
		}
	}
	if announced != nil {
		open = announced
	}
	if open != nil {
		open.peers = append(open.peers, peer)
	}
	return open
}

func (r *relay) add(a *association) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.associations = append(r.associations, a)
}

// remove is called when the association's context has ended; it returns when nothing of it is left.
func (r *relay) remove(a *association) {
	r.mu.Lock()
	r.associations = slices.DeleteFunc(r.associations, func(b *association) bool { return a == b })
	r.mu.Unlock()
	a.flows.Wait()
}

func (r *relay) forget(f *flow, refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.flows, f.key)
	if refused {
		f.a.refused[f.key.to] = struct{}{}
	}
}

// run judges a flow and carries it until it is silent for too long or its association ends.
func (r *relay) run(f *flow) {
	ctx := f.a.ctx
	d, err := r.p.judge(ctx, origin{r.call, f.key.peer.String()}, egress.Request{Host: f.key.to.host, Port: f.key.to.port, Protocol: egress.SOCKS5UDP})
	if err != nil || d.Outcome != policy.Allow {
		r.forget(f, true)
		return
	}
	defer r.forget(f, false)
	life := r.p.live(ctx, nil)
	defer life.end()
	x := r.p.begin(life, d)
	defer x.end(false)
	if x.dial() != nil {
		return
	}
	var both sync.WaitGroup
	defer both.Wait()
	defer x.road.Close()
	both.Go(func() { r.back(x, f) })
	for {
		select {
		case b := <-f.queue:
			_, _ = x.road.Write(b) // lost, as datagrams are
		case <-x.life.ctx.Done():
			return
		}
	}
}

// back carries answers to the client.
func (r *relay) back(x *exchange, f *flow) {
	head := len(appendHeader(nil, x.road.to))
	b := make([]byte, head+maxDatagram)
	appendHeader(b[:0], x.road.to)
	for {
		n, err := x.road.Read(b[head:])
		if x.life.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !pause(x.life.ctx) { // nobody listens there, for now
				return
			}
			continue
		}
		_, _ = r.pc.WriteTo(b[:head+n], net.UDPAddrFromAddrPort(f.key.peer))
	}
}
