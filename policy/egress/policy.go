package egress

import (
	"fmt"
	"slices"
)

// Policy is a compiled configuration; it is immutable.
type Policy struct {
	config Config // narrowed
	// Exact rules by host, the others in a list.
	exactDeny, exactAllow map[string][]rule
	globDeny, globAllow   []rule
	sockets               map[string]bool // path -> allowed
	managedOnly           bool
}

// New compiles a configuration. The error names every bad pattern; a policy is all or nothing.
func New(c Config) (*Policy, error) {
	if c.Mode != "" && c.Mode != Full && c.Mode != Limited {
		return nil, fmt.Errorf("read network_proxy: mode is %q; expected full or limited", c.Mode)
	}
	p := &Policy{config: c.narrowed(), exactDeny: map[string][]rule{}, exactAllow: map[string][]rule{}, sockets: map[string]bool{}}
	tables := []struct {
		domains, sockets map[string]string
		managed          bool
	}{{c.Domains, c.UnixSockets, false}}
	if m := c.Managed; m != nil {
		p.managedOnly = m.ManagedAllowedDomainsOnly
		tables = append(tables, struct {
			domains, sockets map[string]string
			managed          bool
		}{m.Domains, m.UnixSockets, true})
	}
	for _, t := range tables {
		if err := ValidateDomains(t.domains); err != nil {
			return nil, err
		}
		if err := validateSockets(t.sockets); err != nil {
			return nil, err
		}
		for text, verdict := range t.domains {
			r, err := newRule(text, verdict)
			if err != nil {
				return nil, err
			}
			if r.allow && p.managedOnly && !t.managed {
				continue
			}
			p.add(r)
		}
	}
	p.addSockets(c)
	for _, list := range [][]rule{p.globDeny, p.globAllow} {
		slices.SortFunc(list, order)
	}
	for _, table := range []map[string][]rule{p.exactDeny, p.exactAllow} {
		for _, list := range table {
			slices.SortFunc(list, order)
		}
	}
	return p, nil
}

func (p *Policy) add(r rule) {
	switch {
	case r.globs == nil && r.allow:
		p.exactAllow[r.exact] = append(p.exactAllow[r.exact], r)
	case r.globs == nil:
		p.exactDeny[r.exact] = append(p.exactDeny[r.exact], r)
	case r.allow:
		p.globAllow = append(p.globAllow, r)
	default:
		p.globDeny = append(p.globDeny, r)
	}
}

// addSockets: the administrator's list, when there is one, is the only one that allows; every deny counts.
func (p *Policy) addSockets(c Config) {
	allowing := c.UnixSockets
	if c.Managed != nil && c.Managed.UnixSockets != nil {
		allowing = c.Managed.UnixSockets
	}
	for path, verdict := range allowing {
		p.sockets[path] = verdict == verdictAllow
	}
	for path, verdict := range c.UnixSockets {
		if verdict == verdictDeny {
			p.sockets[path] = false
		}
	}
}

func find(exact map[string][]rule, globs []rule, text string, port uint16) (rule, bool) {
	for _, list := range [][]rule{exact[text], globs} {
		for _, r := range list {
			if r.match(text, port) {
				return r, true
			}
		}
	}
	return rule{}, false
}

// denied looks for a deny rule under every spelling of the host: the literal itself, the IPv4 it carries, and what a
// numeric name decodes to.
func (p *Policy) denied(h host, port uint16) (rule, bool) {
	texts := []string{h.text}
	if h.decoded.IsValid() {
		texts = append(texts, h.decoded.String())
	}
	if h.addr.IsValid() {
		if v4, ok := carried(h.addr); ok {
			texts = append(texts, v4.String())
		} else if h.addr.Is4() {
			texts = append(texts, "::ffff:"+h.addr.String())
		}
		if h.addr.Zone() != "" {
			texts = append(texts, h.addr.WithZone("").String())
		}
	}
	for _, text := range texts {
		if r, ok := find(p.exactDeny, p.globDeny, text, port); ok {
			return r, true
		}
	}
	return rule{}, false
}
