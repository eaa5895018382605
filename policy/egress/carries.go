package egress

import "proctor/policy"

// Carries says whether anything at all may come by a protocol; the reason and its source say why not.
func (p *Policy) Carries(protocol Protocol) (reason policy.Reason, source string, ok bool) {
	if reason, refused := p.state(protocol); refused {
		return reason, SourceState, false
	}
	if p.config.Mode == Limited && bare(protocol) {
		return policy.ReasonMethodNotAllowed, SourceMode, false
	}
	return "", "", true
}

// Tunnels says whether a request may become a stream that nobody reads.
func (p *Policy) Tunnels() bool { return p.config.Mode != Limited }

// bare protocols have no methods.
func bare(protocol Protocol) bool {
	return protocol == SOCKS5TCP || protocol == SOCKS5UDP || protocol == TCP
}
