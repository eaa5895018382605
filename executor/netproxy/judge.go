package netproxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/egress"
)

// errNotReported means that OnDecision failed: nothing may be dialled.
var errNotReported = errors.New("decision was not taken over")

// judge decides, resolves at most once, and reports. An error is errNotReported and nothing else.
func (p *Proxy) judge(ctx context.Context, r egress.Request, client string) (Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Lookup)
	defer cancel()
	lookup := func(host string) ([]netip.Addr, error) { return p.lookup(ctx, host) }
	e := p.policy.Decide(r, lookup)
	if e.Outcome == policy.Allow && len(e.Addrs) == 0 {
		// A name under allow_local_binding, which egress does not look up. A failure shows as a failed dial.
		e.Addrs, _ = lookup(e.Host)
	}
	if e.Outcome == policy.Allow && !literal(e.Host) {
		e = p.answersDenied(e, r)
	}
	return p.report(context.WithoutCancel(ctx), Decision{
		Outcome: e.Outcome, Reason: e.Reason, Source: e.Source, Rule: e.Rule, Askable: e.Askable, Host: e.Host,
		Port: r.Port, Protocol: r.Protocol, Method: r.Method, Client: client, Resolved: e.Addrs,
	})
}

func (p *Proxy) report(ctx context.Context, d Decision) (Decision, error) {
	d.ID, d.Execution = event.NewID(), p.execution
	if err := p.decided(ctx, d); err != nil {
		p.log.Error("network decision was not taken over, the request is refused", "host", d.Host, "port", d.Port, "err", err)
		return d, fmt.Errorf("report decision about %s:%d: %w: %w", d.Host, d.Port, errNotReported, err)
	}
	return d, nil
}

// answersDenied applies the deny rules to the addresses of a name: a denied address is denied under every name.
func (p *Proxy) answersDenied(e egress.Decision, r egress.Request) egress.Decision {
	for _, a := range e.Addrs {
		r.Host = a.String()
		if d := p.policy.Decide(r, nil); d.Reason == policy.ReasonDenied {
			e.Outcome, e.Reason, e.Source, e.Rule = policy.Forbid, d.Reason, d.Source, d.Rule
			return e
		}
	}
	return e
}

func (p *Proxy) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := p.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	out := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		out[i] = a.Unmap()
	}
	return out, nil
}

func literal(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
