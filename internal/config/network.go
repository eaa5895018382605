package config

// NetworkProxyTable are the rules that [features.network_proxy] and the network
// part of a permission profile share. Nil pointers mean "not written".
type NetworkProxyTable struct {
	ProxyURL    string            `json:"proxy_url"`
	SocksURL    string            `json:"socks_url"`
	Mode        string            `json:"mode"` // full or limited
	Domains     map[string]string `json:"domains"`
	UnixSockets map[string]string `json:"unix_sockets"`

	EnableSocks5       *bool `json:"enable_socks5"`
	EnableSocks5UDP    *bool `json:"enable_socks5_udp"`
	AllowUpstreamProxy *bool `json:"allow_upstream_proxy"`
	AllowLocalBinding  *bool `json:"allow_local_binding"`

	DangerouslyAllowNonLoopbackProxy *bool `json:"dangerously_allow_non_loopback_proxy"`
	DangerouslyAllowAllUnixSockets   *bool `json:"dangerously_allow_all_unix_sockets"`

	Interception
}

// Interception are the keys of looking into TLS, as written: nothing here does that.
type Interception struct {
	MITM             any `json:"mitm,omitempty"`
	MITMHooks        any `json:"mitm_hooks,omitempty"`
	CredentialBroker any `json:"credential_broker,omitempty"`
}

// Wanted is the first key that asks for it, or empty.
func (i Interception) Wanted() string {
	for _, k := range []struct {
		name  string
		value any
	}{{"mitm", i.MITM}, {"mitm_hooks", i.MITMHooks}, {"credential_broker", i.CredentialBroker}} {
		switch v := k.value.(type) {
		case nil:
		case bool:
			if v {
				return k.name
			}
		case []any:
			if len(v) > 0 {
				return k.name
			}
		case map[string]any:
			if on, written := v["enabled"].(bool); len(v) > 0 && (on || !written) {
				return k.name
			}
		default:
			return k.name
		}
	}
	return ""
}

// NetworkProxy is [features.network_proxy] with its defaults filled in. It says
// what is enforced on a network that is already on; it never turns one on.
type NetworkProxy struct {
	Enabled     bool              `json:"enabled"`
	ProxyURL    string            `json:"proxy_url"`
	SocksURL    string            `json:"socks_url"`
	Mode        string            `json:"mode"`         // full or limited
	Domains     map[string]string `json:"domains"`      // pattern to allow or deny
	UnixSockets map[string]string `json:"unix_sockets"` // absolute path to allow or deny

	EnableSocks5       bool `json:"enable_socks5"`
	EnableSocks5UDP    bool `json:"enable_socks5_udp"`
	AllowUpstreamProxy bool `json:"allow_upstream_proxy"`
	AllowLocalBinding  bool `json:"allow_local_binding"`

	DangerouslyAllowNonLoopbackProxy bool `json:"dangerously_allow_non_loopback_proxy"`
	DangerouslyAllowAllUnixSockets   bool `json:"dangerously_allow_all_unix_sockets"`

	Interception
}

// NetworkRequirements is [experimental_network] of requirements. Present is
// false when the table was not written; nil pointers mean "not constrained".
type NetworkRequirements struct {
	Present bool `json:"-"`

	Enabled                   *bool             `json:"enabled"`
	HTTPPort                  *uint16           `json:"http_port"`
	SocksPort                 *uint16           `json:"socks_port"`
	Domains                   map[string]string `json:"domains"`
	ReviewDomains             []string          `json:"review_domains"`
	ManagedAllowedDomainsOnly bool              `json:"managed_allowed_domains_only"`
	UnixSockets               map[string]string `json:"unix_sockets"`
	AllowUpstreamProxy        *bool             `json:"allow_upstream_proxy"`
	AllowLocalBinding         *bool             `json:"allow_local_binding"`
	HeaderInjections          []any             `json:"header_injections"`

	DangerouslyAllowNonLoopbackProxy *bool `json:"dangerously_allow_non_loopback_proxy"`
	DangerouslyAllowAllUnixSockets   *bool `json:"dangerously_allow_all_unix_sockets"`

	// The legacy lists; after Load they are folded into Domains and UnixSockets.
	AllowedDomains   []string `json:"allowed_domains"`
	DeniedDomains    []string `json:"denied_domains"`
	AllowUnixSockets []string `json:"allow_unix_sockets"`
}
