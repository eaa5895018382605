package netproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"proctor/policy/egress"
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// absolute keeps search domains away: what was judged is the name itself.
type absolute struct{ Resolver }

func (a absolute) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if strings.Contains(host, ".") {
		host += "."
	}
	return a.Resolver.LookupNetIP(ctx, network, host)
}

// Dialer connects to checked addresses, which are literals but for the upstream proxy; *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Limits bound one Proxy. A zero field takes the default.
type Limits struct {
	Conns       int           // open client connections of all inlets; 512
	CallConns   int           // open client connections of one inlet; 256
	HeaderBytes int           // head of a request or response; 64 KiB
	Header      time.Duration // to send a request head or a SOCKS handshake, or to take an answer of ours; 10 s
	Lookup      time.Duration // for one name; 2 s, as in Codex
	Miss        time.Duration // for an answer of OnMiss; 15 min
	Dial        time.Duration // for all addresses of one destination; 10 s
	UDPFlows    int           // pairs of client and destination of one inlet's datagrams; 128
	UDPIdle     time.Duration // of such a pair; 1 min
	Idle        time.Duration // without a byte in either direction; 5 min
	Total       time.Duration // life of a client connection; 1 h
}

// Options configure a Proxy.
type Options struct {
	Policy   egress.Config
	Resolver Resolver // net.DefaultResolver, without search domains, when nil
	Dialer   Dialer   // a plain net.Dialer when nil
	// OnDecision is called for every decision, before anything is dialled, from the goroutine of the connection. An
	// error refuses the request. Its context does not end with the connection: it bounds its time itself. Nil: decisions
	// are not reported.
	OnDecision func(context.Context, Decision) error
	// OnRedial is called when a request whose Decision Repeats another needs a connection of its own after all, before that is made. An error
	// refuses the request. So OnDecision need not wait until such a decision is durable, if OnRedial does. May be nil.
	OnRedial func(context.Context) error
	// OnClose is called once for each decision that allowed, when its exchange has ended, with the same ID. It should not
	// block for long: the connection keeps its place until it returns.
	OnClose func(Decision)
	// OnMiss is asked about a destination that is on no list, which an approval may override; nil means no. It is asked
	// once for a call, host, port and protocol, whatever the number of connections that wait for it. The context ends with
	// the inlet and after Limits.Miss. An error is a refusal.
	OnMiss func(context.Context, Decision) (Answer, error)
	// Report lets through what OnMiss could allow, without asking: Decision.Source is then egress.SourceReport. Deny rules,
	// local addresses and the method guard hold all the same.
	Report bool
	// Upstream is the proxy our own connections go through; nil: they go directly. See UpstreamFrom.
	Upstream *Upstream
	Limits   Limits
	Logger   *slog.Logger // discarded when nil
}

// Proxy judges and carries connections. It is safe for concurrent use.
type Proxy struct {
	policy   atomic.Pointer[egress.Policy]
	resolver Resolver
	dialer   Dialer
	decided  func(context.Context, Decision) error
	redial   func(context.Context) error
	closed   func(Decision)
	misses   misses
	upstream *Upstream
	limits   Limits
	log      *slog.Logger
	slots    chan struct{} // one element for each open connection
	readers  sync.Pool     // of clients
}

// New checks the options. It starts nothing.
func New(o Options) (*Proxy, error) {
	compiled, err := compile(o.Policy)
	limits, bad := o.Limits.filled()
	if err := errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("set up network proxy: %w", err)
	}
	p := &Proxy{
		resolver: o.Resolver, dialer: o.Dialer, decided: o.OnDecision, redial: o.OnRedial, closed: o.OnClose,
		misses: newMisses(o.OnMiss, o.Report), upstream: o.Upstream, limits: limits, log: o.Logger, slots: make(chan struct{}, limits.Conns),
	}
	p.policy.Store(compiled)
	p.readers.New = func() any { return bufio.NewReaderSize(nil, min(commonHead, limits.HeaderBytes)) }
	if p.resolver == nil {
		p.resolver = absolute{net.DefaultResolver}
	}
	if p.dialer == nil {
		p.dialer = &net.Dialer{KeepAlive: -1} // Limits.Idle ends what is dead
	}
	if p.decided == nil {
		p.decided = func(context.Context, Decision) error { return nil }
	}
	if p.redial == nil {
		p.redial = func(context.Context) error { return nil }
	}
	if p.closed == nil {
		p.closed = func(Decision) {}
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p, nil
}

// SetPolicy changes the policy for all requests to come; what is open stays open. After an error the old one holds.
func (p *Proxy) SetPolicy(c egress.Config) error {
	compiled, err := compile(c)
	if err != nil {
		return fmt.Errorf("change network policy: %w", err)
	}
	p.policy.Store(compiled)
	return nil
}

func compile(c egress.Config) (*egress.Policy, error) {
	compiled, err := egress.New(realSockets(c))
	if c.MITM {
		err = errors.Join(err, errors.New("read network_proxy: mitm is true; TLS interception is not built, set it to false"))
	}
	return compiled, err
}

// minHeader leaves room for a request line and a few fields, in bytes.
const minHeader = 1 << 10

func (l Limits) filled() (Limits, error) {
	var all []error
	number := func(name string, v *int, least, standard int) {
		if *v == 0 {
			*v = standard
		}
		if *v < least {
			all = append(all, fmt.Errorf("limit %s is %d; expected at least %d", name, *v, least))
		}
	}
	span := func(name string, v *time.Duration, standard time.Duration) {
		if *v == 0 {
			*v = standard
		}
		if *v < 0 {
			all = append(all, fmt.Errorf("limit %s is %s; expected a positive duration", name, *v))
		}
	}
	number("Conns", &l.Conns, 1, 512)
	number("CallConns", &l.CallConns, 1, 256)
	number("UDPFlows", &l.UDPFlows, 1, 128)
	number("HeaderBytes", &l.HeaderBytes, minHeader, 64<<10)
	span("Header", &l.Header, 10*time.Second)
	span("Lookup", &l.Lookup, 2*time.Second)
	span("Miss", &l.Miss, 15*time.Minute)
	span("Dial", &l.Dial, 10*time.Second)
	span("UDPIdle", &l.UDPIdle, time.Minute)
	span("Idle", &l.Idle, 5*time.Minute)
	span("Total", &l.Total, time.Hour)
	return l, errors.Join(all...)
}
