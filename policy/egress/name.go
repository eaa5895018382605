package egress

import "proctor/policy"

// DecideName says whether a name may be asked for: it is allowed when some port of it is, and no deny rule covers all of
// them. What is made of the answer is judged for itself. Addresses and numbers are no names.
func (p *Policy) DecideName(name string) Decision {
	d := Decision{Outcome: policy.Forbid, Source: SourceBaseline, Host: name}
	if reason, refused := p.state(TCP); refused {
		d.Reason, d.Source = reason, SourceState
		return d
	}
	h, err := normaliseHost(name)
	if err != nil || h.addr.IsValid() || h.numeric {
		d.Reason = policy.ReasonNotAllowed
		return d
	}
	d.Host = h.text
	if r, ok := find(p.exactDeny, p.globDeny, h.text, 0); ok {
		d.Reason, d.Rule = policy.ReasonDenied, r.text
		return d
	}
	for _, list := range [][]rule{p.exactAllow[h.text], p.globAllow} {
		for _, r := range list {
			if r.covers(h.text) {
				d.Outcome, d.Reason, d.Rule = policy.Allow, policy.ReasonNetworkAllowed, r.text
				return d
			}
		}
	}
	d.Reason, d.Askable = policy.ReasonNotAllowed, !p.managedOnly && h.text != "localhost"
	return d
}
