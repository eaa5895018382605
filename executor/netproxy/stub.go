package netproxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"proctor/policy"
	"proctor/policy/egress"
)

// Bounds of a Stub.
const (
	maxStubNames   = 65_535
	maxStubReports = 1_024 // refused names that are reported
	maxStubStreams = 32
	maxQuestion    = 4096 // bytes of a message
	streamIdle     = 10 * time.Second
)

// Stub is the name server of one call whose programs know of no proxy. It asks nobody: a name that policy lets through on
// some port gets an address of its own out of 198.18.0.0/15, which stands for the name until the stub is gone, and every
// other name does not exist. Name turns the address back, so that a connection is judged by what the program asked for,
// and the name is resolved when the connection is made.
type Stub struct {
	p    *Proxy
	call string

	mu       sync.Mutex
	names    map[string]netip.Addr
	byAddr   map[netip.Addr]string
	next     netip.Addr
	reported map[string]struct{}
}

// NewStub makes the stub of a call.
func (p *Proxy) NewStub(call string) *Stub {
	return &Stub{
		p: p, call: call, names: map[string]netip.Addr{}, byAddr: map[netip.Addr]string{}, reported: map[string]struct{}{},
		next: netip.AddrFrom4([4]byte{198, 18, 0, 1}),
	}
}

// Name is what an address of the stub stands for.
func (s *Stub) Name(a netip.Addr) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.byAddr[a.Unmap()]
	return name, ok
}

// address is that of a name; false means that there is none, full that there is no room for one more.
func (s *Stub) address(ctx context.Context, name string) (a netip.Addr, ok, full bool) {
	e := s.p.policy.Load().DecideName(name)
	if e.Outcome != policy.Allow && (!e.Askable || s.p.misses.ask == nil && !s.p.misses.report) {
		s.refused(ctx, e)
		return netip.Addr{}, false, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.names[e.Host]; ok {
		return a, true, false
	}
	if len(s.names) == maxStubNames {
		return netip.Addr{}, false, true
	}
	a = s.next
	s.next = a.Next()
	s.names[e.Host], s.byAddr[a] = a, e.Host
	return a, true, false
}

// refused reports a name once.
func (s *Stub) refused(ctx context.Context, e egress.Decision) {
	s.mu.Lock()
	_, known := s.reported[e.Host]
	known = known || len(s.reported) == maxStubReports
	if !known {
		s.reported[e.Host] = struct{}{}
	}
	s.mu.Unlock()
	if known {
		return
	}
	d := decision(e, origin{call: s.call}, egress.Request{Port: 53, Protocol: egress.DNS})
	_, _ = s.p.report(context.WithoutCancel(ctx), d) // refused all the same
}

// ServePackets answers questions that come as datagrams until ctx ends, and closes pc.
func (s *Stub) ServePackets(ctx context.Context, pc net.PacketConn) error {
	defer pc.Close()
	defer context.AfterFunc(ctx, func() { _ = pc.Close() })()
	b := make([]byte, maxQuestion)
	for {
		n, from, err := pc.ReadFrom(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) || !pause(ctx) {
				return fmt.Errorf("read DNS question: %w", err)
			}
			continue
		}
		if answer := s.reply(ctx, b[:n]); answer != nil {
			_, _ = pc.WriteTo(answer, from) // who asked asks again
		}
	}
}

// ServeStreams answers questions that come over TCP until ctx ends, and closes l.
func (s *Stub) ServeStreams(ctx context.Context, l net.Listener) error {
	var open sync.WaitGroup
	defer open.Wait()
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	slots := make(chan struct{}, maxStubStreams)
	for take(ctx, slots) {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			<-slots
			if passing(err) && pause(ctx) {
				continue
			}
			return fmt.Errorf("accept DNS connection: %w", err)
		}
		open.Go(func() {
			defer func() { <-slots }()
			s.Carry(ctx, conn)
		})
	}
	return nil
}

// Carry answers the questions of one connection until it is silent or ctx ends, and closes it.
func (s *Stub) Carry(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for s.stream(ctx, conn) == nil {
	}
}

// stream answers one question.
func (s *Stub) stream(ctx context.Context, conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(streamIdle))
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n > maxQuestion {
		return fmt.Errorf("read DNS question: %d bytes, at most %d are read", n, maxQuestion)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(conn, b); err != nil {
		return err
	}
	answer := s.reply(ctx, b)
	if answer == nil {
		return errors.New("no DNS question")
	}
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)) //nolint:gosec // an answer has one name and one address
	return err
}
