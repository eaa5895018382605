package config

import (
	"fmt"
	"maps"
	"slices"
)

// ProxyEnabled reports whether the network proxy is asked for: by the feature, or by an administrator's enabled = true.
func (c *Config) ProxyEnabled() bool {
	req := c.Requirements.Network.Enabled
	return c.NetworkProxy.Enabled || req != nil && *req
}

// Proxied reports whether commands reach the network, and through the proxy only.
func (c *Config) Proxied() bool { return c.NetworkAccess() && c.ProxyEnabled() && !c.unconfined() }

// unconfined: nothing confines commands, so nothing can send them through a proxy.
func (c *Config) unconfined() bool {
	_, named := c.Permissions[c.PermissionProfile]
	return !named && c.SandboxMode == DangerFullAccess
}

// NetworkRules is [features.network_proxy] with the network rules of the selected profile, and those it extends, laid over
// it. Patterns unite; of two verdicts about one pattern deny wins.
func (c *Config) NetworkRules() NetworkProxy {
	out := c.NetworkProxy
	out.Domains, out.UnixSockets = maps.Clone(out.Domains), maps.Clone(out.UnixSockets)
	chain, _ := c.Chain(c.PermissionProfile)
	for _, one := range slices.Backward(chain) {
		out.lay(one.Network.NetworkProxyTable)
	}
	return out
}

func (n *NetworkProxy) lay(t NetworkProxyTable) {
	n.Domains, n.UnixSockets = united(n.Domains, t.Domains), united(n.UnixSockets, t.UnixSockets)
	for _, s := range []struct {
		to   *string
		from string
	}{{&n.ProxyURL, t.ProxyURL}, {&n.SocksURL, t.SocksURL}, {&n.Mode, t.Mode}} {
		if s.from != "" {
			*s.to = s.from
		}
	}
	for _, b := range []struct{ to, from *bool }{
		{&n.EnableSocks5, t.EnableSocks5}, {&n.EnableSocks5UDP, t.EnableSocks5UDP}, {&n.AllowUpstreamProxy, t.AllowUpstreamProxy},
		{&n.AllowLocalBinding, t.AllowLocalBinding}, {&n.DangerouslyAllowNonLoopbackProxy, t.DangerouslyAllowNonLoopbackProxy},
		{&n.DangerouslyAllowAllUnixSockets, t.DangerouslyAllowAllUnixSockets},
	} {
		if b.from != nil {
			*b.to = *b.from
		}
	}
	if t.Interception.Wanted() != "" {
		n.Interception = t.Interception
	}
}

func united(a, b map[string]string) map[string]string {
	if len(a) == 0 {
		return maps.Clone(b)
	}
	for pattern, verdict := range b {
		if a[pattern] != "deny" {
			a[pattern] = verdict
		}
	}
	return a
}

// limits reports whether the table says where the network may lead.
func (t NetworkProxyTable) limits() bool {
	return len(t.Domains) > 0 || len(t.UnixSockets) > 0 || t.Mode == "limited"
}

// network says which rules about the network have no effect: silence would look like protection.
func (l *loader) network(c *Config) {
	if !c.NetworkAccess() {
		return
	}
	note := func(o Origin, key, format string, args ...any) {
		l.r.warn(WarnNote, o, key, "%s", fmt.Sprintf(format, args...))
	}
	at := func(segs ...string) Origin {
		if n := c.final.find(segs...); n != nil {
			return leafOrigin(n)
		}
		return Origin{}
	}
	switch {
	case c.ProxyEnabled() && c.unconfined():
		note(at("features", "network_proxy"), "features.network_proxy",
			"has no effect in danger-full-access: nothing confines commands, so they reach the network directly")
	case c.ProxyEnabled():
	default:
		chain, _ := c.Chain(c.PermissionProfile)
		if slices.ContainsFunc(chain, func(p PermissionProfile) bool { return p.Network.limits() }) {
			note(at("permissions", c.PermissionProfile, "network"), formatKey([]string{"permissions", c.PermissionProfile, "network"}),
				"its rules have no effect without the network proxy, and commands reach the network directly; set features.network_proxy = true")
		}
		if len(c.NetworkProxy.Domains) > 0 {
			note(at("features", "network_proxy", "domains"), "features.network_proxy.domains",
				"has no effect while the proxy is off, and commands reach the network directly; set features.network_proxy.enabled = true")
		}
		if c.Requirements.Network.Present {
			note(leafOrigin(c.Requirements.tree.find("experimental_network")), "experimental_network",
				"has no effect without enabled = true, and commands reach the network directly")
		}
	}
}
