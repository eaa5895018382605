package terms

import (
	"fmt"
	"maps"
	"slices"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/policy/egress"
	"proctor/policy/execrules"
)

// Network is what stands between commands and the network.
type Network struct {
	// Proxied: commands reach what Policy allows, through the proxy, and nothing else.
	Proxied bool
	Policy  egress.Config
	// Upstream: our own connections may go through the proxy that our environment names.
	Upstream bool
	// Transparent: programs that know of no proxy are carried by the same rules.
	Transparent bool
	// Report lets misses through, Kill ends a command that was refused a destination.
	Report, Kill bool
	// Notes are what is dangerous, was clamped or does not count.
	Notes []string
}

// NetworkOf lays the layers over each other: the feature, the profile, the execution rules, and the requirements over all. Rules
// count for their host whatever their protocol, as in Codex; rules that prompt leave it to whoever is asked about a miss.
func NetworkOf(cfg *config.Config, rules *execrules.Rules) (Network, error) {
	table, req, own := cfg.NetworkRules(), cfg.Requirements.Network, cfg.Proctor.Network
	n := Network{
		Proxied: cfg.Proxied(), Upstream: table.AllowUpstreamProxy && permits(req.AllowUpstreamProxy),
		Transparent: own.Transparent, Report: own.Report, Kill: own.OnMiss == "kill",
		Policy: egress.Config{
			Enabled: cfg.ProxyEnabled(), Mode: egress.Mode(table.Mode), Domains: maps.Clone(table.Domains), UnixSockets: table.UnixSockets,
			AllowLocalBinding: table.AllowLocalBinding, EnableSOCKS5: table.EnableSocks5, EnableSOCKS5UDP: table.EnableSocks5UDP,
			DangerouslyAllowAllUnixSockets:   table.DangerouslyAllowAllUnixSockets,
			DangerouslyAllowNonLoopbackProxy: table.DangerouslyAllowNonLoopbackProxy,
		},
	}
	for host, verdict := range rules.NetworkDomains() {
		if n.Policy.Domains == nil {
			n.Policy.Domains = map[string]string{}
		}
		if n.Policy.Domains[host] != deny {
			n.Policy.Domains[host] = verdict
		}
	}
	if req.Present {
		n.Policy.Managed = &egress.Managed{
			Enabled: req.Enabled, Domains: req.Domains, UnixSockets: req.UnixSockets, AllowLocalBinding: req.AllowLocalBinding,
			DangerouslyAllowAllUnixSockets: req.DangerouslyAllowAllUnixSockets, DangerouslyAllowNonLoopbackProxy: req.DangerouslyAllowNonLoopbackProxy,
			ManagedAllowedDomainsOnly: req.ManagedAllowedDomainsOnly,
		}
	}
	if _, err := egress.New(n.Policy); err != nil {
		return Network{}, cli.Fail(cli.Failure, fmt.Errorf("features.network_proxy: %w", err))
	}
	if err := n.note(cfg, table); err != nil {
		return Network{}, err
	}
	return n, nil
}

const deny = "deny"

func permits(b *bool) bool { return b == nil || *b }

// note says what of the settings is dangerous and what does not count.
func (n *Network) note(cfg *config.Config, table config.NetworkProxy) error {
	req := cfg.Requirements.Network
	say := func(format string, args ...any) { n.Notes = append(n.Notes, fmt.Sprintf(format, args...)) }
	for _, l := range []struct {
		key, url string
		port     uint16
	}{{"proxy_url", table.ProxyURL, egress.DefaultHTTPPort}, {"socks_url", table.SocksURL, egress.DefaultSOCKSPort}} {
		bind, err := egress.ClampBind(n.Policy, l.url, l.port)
		if err != nil {
			return cli.Fail(cli.Failure, fmt.Errorf("features.network_proxy.%s: %w", l.key, err))
		}
		if bind.Warning != "" {
			say("%s: %s; commands find the proxy on loopback of their own, and nothing listens on the host", l.key, bind.Warning)
		}
	}
	for _, f := range []struct {
		key     string
		on      bool
		permits *bool
		why     string
	}{
		{"dangerously_allow_non_loopback_proxy", table.DangerouslyAllowNonLoopbackProxy, req.DangerouslyAllowNonLoopbackProxy, "nothing here listens beyond the command itself"},
		{"dangerously_allow_all_unix_sockets", table.DangerouslyAllowAllUnixSockets, req.DangerouslyAllowAllUnixSockets, "commands reach every Unix socket through the proxy, those of root daemons too"},
		{"allow_local_binding", table.AllowLocalBinding, req.AllowLocalBinding, "names may lead to addresses of this machine and its networks"},
	} {
		switch {
		case f.on && !permits(f.permits):
			say("%s = true is not allowed by the requirements and does not count", f.key)
		case f.on:
			say("DANGEROUS %s = true: %s", f.key, f.why)
		}
	}
	if table.AllowUpstreamProxy && !permits(req.AllowUpstreamProxy) && n.Proxied {
		say("allow_upstream_proxy does not count, by the requirements: connections go out directly")
	}
	domains := slices.Sorted(maps.Keys(n.Policy.Domains))
	for _, pattern := range domains {
		if n.Policy.Domains[pattern] != deny && egress.Global(pattern) && !req.ManagedAllowedDomainsOnly {
			say("DANGEROUS domains %q = \"allow\": every public host is allowed", pattern)
		}
	}
	if n.Transparent {
		say("transparent = true: programs that know of no proxy are carried by the same rules")
	}
	if n.Report {
		say("DANGEROUS report = true: hosts that no rule allows are let through, and recorded")
	}
	for _, pattern := range domains {
		if n.Policy.Domains[pattern] != deny && req.ManagedAllowedDomainsOnly && !insideManaged(pattern, req.Domains) {
			say("domains %q = \"allow\" is outside of what the requirements allow and does not count", pattern)
		}
	}
	return nil
}

func insideManaged(pattern string, managed map[string]string) bool {
	for of, verdict := range managed {
		if verdict != deny && egress.Inside(pattern, of) {
			return true
		}
	}
	return false
}

// refusedNetwork are settings of the proxy that promise what it does not do.
func refusedNetwork(cfg *config.Config) error {
	if !cfg.NetworkAccess() || !cfg.ProxyEnabled() {
		return nil
	}
	req := cfg.Requirements.Network
	const table, managed = "features.network_proxy", "requirements: experimental_network"
	switch on := req.Enabled; {
	case on != nil && *on && !cfg.Proxied():
		return refuse(managed, "danger-full-access confines nothing, so nothing sends commands through the proxy", "use workspace-write or a permission profile")
	case on != nil && !*on:
		return refuse(managed+".enabled", "it keeps the network proxy off, and "+table+" asks for it",
			"switch the feature off, and the network of commands with it if they must not be on it")
	case len(req.HeaderInjections) > 0:
		return refuse(managed+".header_injections", "this version does not look into TLS", "take it out")
	}
	if key := cfg.NetworkRules().Wanted(); key != "" {
		return refuse(table+"."+key, "this version does not look into TLS", "take it out, or set it to false")
	}
	return nil
}
