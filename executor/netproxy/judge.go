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

// origin is where a request comes from.
type origin struct{ call, client string }

// judge decides, resolves at most once, and reports. An error is errNotReported and nothing else.
func (p *Proxy) judge(ctx context.Context, from origin, r egress.Request) (Decision, error) {
	return p.judgeWith(ctx, from, r, p.once(ctx), nil)
}

// judgeWith is judge with the answer to a lookup, for a request that goes over a kept connection unless that is nil.
func (p *Proxy) judgeWith(ctx context.Context, from origin, r egress.Request, lookup egress.Lookup, kept *road) (Decision, error) {
	e := p.policy.Load().Decide(r, lookup)
	override := false
	if e.Askable {
		e = p.miss(ctx, decision(e, from, r), r, lookup)
		override = e.Source == egress.SourceDecider && e.Outcome == policy.Allow
	}
	if e.Outcome == policy.Allow && len(e.Addrs) == 0 && r.Protocol != egress.Unix {
		// A name under allow_local_binding, which egress does not look up. A failure shows as a failed dial.
		e.Addrs, _ = lookup(e.Host)
	}
	if e.Outcome == policy.Allow && r.Protocol != egress.Unix && !literal(e.Host) {
		e = p.answersDenied(e, r)
	}
	d := decision(e, from, r)
	d.Override = override && e.Outcome == policy.Allow
	d.Repeats = kept != nil && d.repeats(kept.first, kept.to.Addr())
	return p.report(context.WithoutCancel(ctx), d)
}

func decision(e egress.Decision, from origin, r egress.Request) Decision {
	return Decision{
		Call: from.call, Client: from.client, Outcome: e.Outcome, Reason: e.Reason, Source: e.Source, Rule: e.Rule, Askable: e.Askable,
		Host: e.Host, Port: r.Port, Protocol: r.Protocol, Method: r.Method, Resolved: e.Addrs,
	}
}

func (p *Proxy) report(ctx context.Context, d Decision) (Decision, error) {
	d.ID = event.NewID()
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
		if d := p.policy.Load().Decide(r, nil); d.Reason == policy.ReasonDenied {
			e.Outcome, e.Reason, e.Source, e.Rule = policy.Forbid, d.Reason, d.Source, d.Rule
			return e
		}
	}
	return e
}

// once looks a name up within its time, and gives the same answer when it is asked again.
func (p *Proxy) once(ctx context.Context) egress.Lookup {
	var asked string
	var addrs []netip.Addr
	var err error
	return func(host string) ([]netip.Addr, error) {
		if asked != host {
			asked = host
			addrs, err = p.lookup(ctx, host)
		}
		return addrs, err
	}
}

func (p *Proxy) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Lookup)
	defer cancel()
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
