package egress

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Mode limits the methods.
type Mode string

// The modes; the empty word is Full.
const (
	Full    Mode = "full"
	Limited Mode = "limited"
)

// Config is the features.network_proxy table as far as it decides. Domains and UnixSockets map to "allow" or "deny".
type Config struct {
	Enabled                          bool              `json:"enabled"`
	Mode                             Mode              `json:"mode"`
	Domains                          map[string]string `json:"domains"`
	UnixSockets                      map[string]string `json:"unix_sockets"`
	AllowLocalBinding                bool              `json:"allow_local_binding"`
	EnableSOCKS5                     bool              `json:"enable_socks5"`
	EnableSOCKS5UDP                  bool              `json:"enable_socks5_udp"`
	MITM                             bool              `json:"mitm"`
	DangerouslyAllowAllUnixSockets   bool              `json:"dangerously_allow_all_unix_sockets"`
	DangerouslyAllowNonLoopbackProxy bool              `json:"dangerously_allow_non_loopback_proxy"`
	// Managed are the administrator's requirements over this table; nil when there are none.
	Managed *Managed `json:"managed,omitempty"`
}

// DefaultConfig is the table when it holds no key; decode the file over it.
func DefaultConfig() Config {
	return Config{Mode: Full, EnableSOCKS5: true, EnableSOCKS5UDP: true}
}

// Managed is experimental_network in requirements. Booleans only narrow, except Enabled, which starts the proxy.
type Managed struct {
	Enabled                          *bool             `json:"enabled,omitempty"`
	Domains                          map[string]string `json:"domains,omitempty"`
	UnixSockets                      map[string]string `json:"unix_sockets,omitempty"`
	AllowLocalBinding                *bool             `json:"allow_local_binding,omitempty"`
	DangerouslyAllowAllUnixSockets   *bool             `json:"dangerously_allow_all_unix_sockets,omitempty"`
	DangerouslyAllowNonLoopbackProxy *bool             `json:"dangerously_allow_non_loopback_proxy,omitempty"`
	// ManagedAllowedDomainsOnly: allow rules of the user lose their force and a miss is final.
	ManagedAllowedDomainsOnly bool `json:"managed_allowed_domains_only,omitempty"`
}

// narrowed is the configuration with the requirements applied; Domains and UnixSockets stay the user's.
func (c Config) narrowed() Config {
	m := c.Managed
	if m == nil {
		return c
	}
	if m.Enabled != nil {
		c.Enabled = *m.Enabled
	}
	permits := func(b *bool) bool { return b == nil || *b }
	c.AllowLocalBinding = c.AllowLocalBinding && permits(m.AllowLocalBinding)
	c.DangerouslyAllowAllUnixSockets = c.DangerouslyAllowAllUnixSockets && permits(m.DangerouslyAllowAllUnixSockets)
	c.DangerouslyAllowNonLoopbackProxy = c.DangerouslyAllowNonLoopbackProxy && permits(m.DangerouslyAllowNonLoopbackProxy)
	return c
}

const (
	verdictAllow = "allow"
	verdictDeny  = "deny"
)

// maxPatterns bounds each domains table.
const maxPatterns = 20_000

// ValidateDomains reports every pattern or value that may not stand in a domains table, in order of the patterns.
func ValidateDomains(domains map[string]string) error {
	if len(domains) > maxPatterns {
		return fmt.Errorf("read domains: %d patterns; at most %d are allowed", len(domains), maxPatterns)
	}
	var all []error
	for _, text := range sortedKeys(domains) {
		if _, err := newRule(text, domains[text]); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// validateSockets: entries are absolute, clean paths.
func validateSockets(sockets map[string]string) error {
	for _, p := range sortedKeys(sockets) {
		if !path.IsAbs(p) || path.Clean(p) != p {
			return fmt.Errorf("read unix_sockets: path is %q; expected an absolute path without . and ..", p) //nolint:revive,staticcheck // .. is a name here
		}
		if v := sockets[p]; v != verdictAllow && v != verdictDeny {
			return fmt.Errorf("read unix_sockets: %q is %q; expected allow or deny", p, v)
		}
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
