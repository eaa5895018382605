package egress

import (
	"net/netip"
	"path"

	"proctor/policy"
)

// Protocol is how the client came.
type Protocol string

// The protocols. Unix carries a socket path as host; TCP is a connection of a program that knows of no proxy, DNS a question of one.
const (
	HTTP         Protocol = "http"
	HTTPSConnect Protocol = "https_connect"
	SOCKS5TCP    Protocol = "socks5_tcp"
	SOCKS5UDP    Protocol = "socks5_udp"
	Unix         Protocol = "unix"
	TCP          Protocol = "tcp"
	DNS          Protocol = "dns"
)

// Request is one destination as the client named it.
type Request struct {
	Host     string   `json:"host"`
	Port     uint16   `json:"port"`
	Protocol Protocol `json:"protocol"`
	Method   string   `json:"method,omitempty"`
	// Real is where the symbolic links of a socket path lead; empty when there are none.
	Real string `json:"real,omitempty"`
}

// The sources of a decision, as on the wire.
const (
	SourceBaseline = "baseline_policy"
	SourceMode     = "mode_guard"
	SourceState    = "proxy_state"
	SourceDecider  = "decider"     // an approval, or its refusal
	SourceReport   = "report_mode" // let through to be reported only
)

// Decision says whether the request may go on, and to which addresses.
type Decision struct {
	Outcome policy.Outcome `json:"outcome"` // Allow or Forbid
	Reason  policy.Reason  `json:"reason"`
	Source  string         `json:"source"`
	// Askable: a plain miss, which an approval may override for the same request. Nothing else may be overridden.
	Askable bool `json:"askable,omitempty"`
	// Host is the normalised host, as sent when it is malformed; Rule the pattern that decided, as written.
	Host string `json:"host"`
	Rule string `json:"rule,omitempty"`
	// Addrs are the checked addresses; dial one of these and nothing else. Empty on an allow only for a name under
	// allow_local_binding, where nothing is checked, and for sockets.
	Addrs []netip.Addr `json:"addrs,omitempty"`
	// LookedUp: the resolver was asked.
	LookedUp bool `json:"looked_up,omitempty"`
}

// Lookup resolves a name. The caller bounds its time (2 s in Codex) and returns an error when that is over.
type Lookup func(host string) ([]netip.Addr, error)

// maxAnswers bounds the addresses of one answer; a larger answer is refused.
const maxAnswers = 256

// Decide judges one request by a configuration that is used once; a configuration that does not compile refuses everything.
func Decide(c Config, r Request, lookup Lookup) Decision {
	p, err := New(c)
	if err != nil {
		return Decision{Outcome: policy.Forbid, Reason: policy.ReasonInvalidNetworkPolicy, Source: SourceState, Host: r.Host}
	}
	return p.Decide(r, lookup)
}

// Decide judges one request. lookup may be nil when no name needs resolving; a needed lookup then fails.
func (p *Policy) Decide(r Request, lookup Lookup) Decision { return p.decide(r, lookup, false) }

// DecideApproved judges a request whose plain miss was approved: the allow list no longer decides, everything else does.
func (p *Policy) DecideApproved(r Request, lookup Lookup) Decision { return p.decide(r, lookup, true) }

func (p *Policy) decide(r Request, lookup Lookup, approved bool) Decision {
	d := Decision{Outcome: policy.Forbid, Source: SourceBaseline, Host: r.Host}
	// Without methods there is nothing to look at in limited mode, whatever the host.
	if reason, source, ok := p.Carries(r.Protocol); !ok {
		d.Reason, d.Source = reason, source
		return d
	}
	if r.Protocol == Unix {
		return p.socket(d, r)
	}
	h, err := normaliseHost(r.Host)
	if err != nil {
		d.Reason = policy.ReasonNotAllowed
		return d
	}
	d.Host = h.text
	if d = p.list(d, h, r.Port); d.Askable && approved {
		d.Reason, d.Askable = "", false
	}
	if d.Reason != "" {
		return d
	}
	if reason, refused := p.guard(r); refused {
		d.Reason, d.Source = reason, SourceMode
		return d
	}
	return p.address(d, h, lookup)
}

func (p *Policy) state(protocol Protocol) (policy.Reason, bool) {
	switch {
	case !p.config.Enabled:
		return policy.ReasonProxyDisabled, true
	case (protocol == SOCKS5TCP || protocol == SOCKS5UDP) && !p.config.EnableSOCKS5:
		return policy.ReasonSocksDisabled, true
	case protocol == SOCKS5UDP && !p.config.EnableSOCKS5UDP:
		return policy.ReasonSocksUDPDisabled, true
	}
	switch protocol { //nolint:exhaustive // DNS is not carried: see DecideName
	case HTTP, HTTPSConnect, SOCKS5TCP, SOCKS5UDP, Unix, TCP:
		return "", false
	}
	return policy.ReasonUnknownProtocol, true
}

// list applies the rules; the reason is empty when the host passed, and then d.Rule is the allow rule.
func (p *Policy) list(d Decision, h host, port uint16) Decision {
	if r, ok := p.denied(h, port); ok {
		d.Reason, d.Rule = policy.ReasonDenied, r.text
		return d
	}
	explicit, isExplicit := find(p.exactAllow, nil, h.text, port)
	if local := h.text == "localhost" || (h.addr.IsValid() && !Public(h.addr)); local && !p.config.AllowLocalBinding && !isExplicit {
		d.Reason = policy.ReasonNotAllowedLocal
		return d
	}
	if isExplicit {
		d.Rule = explicit.text
		return d
	}
	r, ok := find(nil, p.globAllow, h.text, port)
	if !ok {
		d.Reason, d.Askable = policy.ReasonNotAllowed, !p.managedOnly && !h.numeric
		return d
	}
	d.Rule = r.text
	return d
}

// guard is the limited mode: reading methods only, compared as written; a tunnel only when it is intercepted.
func (p *Policy) guard(r Request) (policy.Reason, bool) {
	if p.config.Mode != Limited {
		return "", false
	}
	if r.Protocol == HTTPSConnect {
		return policy.ReasonMITMRequired, !p.config.MITM
	}
	switch r.Method {
	case "GET", "HEAD", "OPTIONS":
		return "", false
	}
	return policy.ReasonMethodNotAllowed, true
}

// address is the last step: literals are known already, localhost has been allowed by name, other names are looked up while
// local destinations are off. Numeric spellings never pass, whatever the answer.
func (p *Policy) address(d Decision, h host, lookup Lookup) Decision {
	switch {
	case h.addr.IsValid():
		d.Addrs = []netip.Addr{h.addr}
	case h.text == "localhost":
		d.Addrs = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	case p.config.AllowLocalBinding && h.numeric:
		d.Reason = policy.ReasonNotAllowedLocal
		return d
	case p.config.AllowLocalBinding:
	default:
		d.LookedUp = true
		addrs, ok := resolve(h.text, lookup)
		if !ok || h.numeric {
			d.Reason = policy.ReasonNotAllowedLocal
			return d
		}
		d.Addrs = addrs
	}
	d.Outcome, d.Reason = policy.Allow, policy.ReasonNetworkAllowed
	return d
}

// resolve returns the answer when it is not empty and wholly public.
func resolve(name string, lookup Lookup) ([]netip.Addr, bool) {
	if lookup == nil {
		return nil, false
	}
	addrs, err := lookup(name)
	if err != nil || len(addrs) == 0 || len(addrs) > maxAnswers {
		return nil, false
	}
	for _, a := range addrs {
		if !Public(a) {
			return nil, false
		}
	}
	return addrs, true
}

// socket: an absolute path, and what it leads to must be listed; a deny of either wins over the switch for all sockets.
// The rule of an allow is the path to connect to.
func (p *Policy) socket(d Decision, r Request) Decision {
	real := r.Real
	if real == "" {
		real = r.Host
	}
	allowed, listed := p.sockets[real]
	if !listed {
		allowed = p.config.DangerouslyAllowAllUnixSockets
	}
	if asWritten, listed := p.sockets[r.Host]; listed && !asWritten {
		allowed = false
	}
	if !path.IsAbs(r.Host) || path.Clean(r.Host) != r.Host || !allowed {
		d.Reason = policy.ReasonNotAllowed
		return d
	}
	if reason, refused := p.guard(r); refused {
		d.Reason, d.Source = reason, SourceMode
		return d
	}
	d.Outcome, d.Reason, d.Rule = policy.Allow, policy.ReasonNetworkAllowed, real
	return d
}
