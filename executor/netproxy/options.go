package netproxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"proctor/policy/egress"
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer connects to checked addresses, which are always literals; *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Limits bound one Proxy. A zero field takes the default.
type Limits struct {
	Conns       int           // open client connections; 256
	HeaderBytes int           // head of a request or response; 64 KiB
	Header      time.Duration // to send a request head or a SOCKS handshake, or to take an answer of ours; 10 s
	Lookup      time.Duration // for one name; 2 s, as in Codex
	Dial        time.Duration // for all addresses of one destination; 10 s
	Idle        time.Duration // without a byte in either direction; 5 min
	Total       time.Duration // life of a client connection; 1 h
}

// Options configure a Proxy.
type Options struct {
	Policy   egress.Config
	Resolver Resolver // net.DefaultResolver when nil
	Dialer   Dialer   // a plain net.Dialer when nil
	// OnDecision is called for every decision, before anything is dialled, from the goroutine of the connection. An
	// error refuses the request. Its context does not end with the connection: it bounds its time itself. Nil: decisions
	// are not reported.
	OnDecision func(context.Context, Decision) error
	// OnClose is called once for each decision that allowed, when its exchange has ended, with the same ID. It should not
	// block for long: the connection keeps its place until it returns.
	OnClose func(Decision)
	// Execution is the command on whose behalf all connections come; empty when not known.
	Execution string
	Limits    Limits
	Logger    *slog.Logger // discarded when nil
}

// Proxy judges and carries connections. It is safe for concurrent use.
type Proxy struct {
	policy    *egress.Policy
	resolver  Resolver
	dialer    Dialer
	decided   func(context.Context, Decision) error
	closed    func(Decision)
	execution string
	limits    Limits
	log       *slog.Logger
	slots     chan struct{} // one element for each open connection
}

// New checks the options. It starts nothing.
func New(o Options) (*Proxy, error) {
	compiled, err := egress.New(o.Policy)
	if o.Policy.MITM {
		err = errors.Join(err, errors.New("read network_proxy: mitm is true; TLS interception is not built yet, set it to false"))
	}
	limits, bad := o.Limits.filled()
	if err := errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("set up network proxy: %w", err)
	}
	p := &Proxy{
		policy: compiled, resolver: o.Resolver, dialer: o.Dialer, decided: o.OnDecision, closed: o.OnClose,
		execution: o.Execution, limits: limits, log: o.Logger, slots: make(chan struct{}, limits.Conns),
	}
	if p.resolver == nil {
		p.resolver = net.DefaultResolver
	}
	if p.dialer == nil {
		p.dialer = &net.Dialer{}
	}
	if p.decided == nil {
		p.decided = func(context.Context, Decision) error { return nil }
	}
	if p.closed == nil {
		p.closed = func(Decision) {}
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p, nil
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
	number("Conns", &l.Conns, 1, 256)
	number("HeaderBytes", &l.HeaderBytes, minHeader, 64<<10)
	span("Header", &l.Header, 10*time.Second)
	span("Lookup", &l.Lookup, 2*time.Second)
	span("Dial", &l.Dial, 10*time.Second)
	span("Idle", &l.Idle, 5*time.Minute)
	span("Total", &l.Total, time.Hour)
	return l, errors.Join(all...)
}
