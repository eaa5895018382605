package terms

import (
	"net/netip"
	"slices"
)

// Variables that tell programs of the proxy, by what they hold.
var (
	urlVariables = []string{
		"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "WS_PROXY", "ws_proxy", "WSS_PROXY", "wss_proxy",
		"YARN_HTTP_PROXY", "YARN_HTTPS_PROXY", "NPM_CONFIG_HTTP_PROXY", "NPM_CONFIG_HTTPS_PROXY", "NPM_CONFIG_PROXY",
		"npm_config_http_proxy", "npm_config_https_proxy", "npm_config_proxy", "BUNDLE_HTTP_PROXY", "BUNDLE_HTTPS_PROXY",
		"PIP_PROXY", "DOCKER_HTTP_PROXY", "DOCKER_HTTPS_PROXY",
		// Not those of Codex: what these programs read instead of the common names.
		"CARGO_HTTP_PROXY", "GRPC_PROXY", "grpc_proxy", "GLOBAL_AGENT_HTTP_PROXY", "GLOBAL_AGENT_HTTPS_PROXY",
	}
	socksVariables  = []string{"ALL_PROXY", "all_proxy", "FTP_PROXY", "ftp_proxy"}
	directVariables = []string{
		"NO_PROXY", "no_proxy", "npm_config_noproxy", "NPM_CONFIG_NOPROXY", "BUNDLE_NO_PROXY", "YARN_NO_PROXY", "GLOBAL_AGENT_NO_PROXY", "no_grpc_proxy",
	}
)

// ProxyEnviron are the variables of a command whose only road is a proxy at an address. Nothing is to be reached directly, so
// the lists of exceptions are empty, local destinations included: they are reached through the proxy, by rule.
func (n Network) ProxyEnviron(at netip.AddrPort) []string {
	url := "http://" + at.String()
	socks := "socks5h://" + at.String()
	if !n.Policy.EnableSOCKS5 || n.Policy.Mode == "limited" {
		socks = url
	}
	local := "0"
	if n.Policy.AllowLocalBinding && (n.Policy.Managed == nil || permits(n.Policy.Managed.AllowLocalBinding)) {
		local = "1"
	}
	out := []string{
		"CODEX_NETWORK_PROXY_ACTIVE=1", "CODEX_NETWORK_ALLOW_LOCAL_BINDING=" + local, "ELECTRON_GET_USE_PROXY=true", "NODE_USE_ENV_PROXY=1",
		"RSYNC_PROXY=" + at.String(),
	}
	for _, list := range []struct {
		names []string
		value string
	}{{urlVariables, url}, {socksVariables, socks}, {directVariables, ""}} {
		for _, name := range list.names {
			out = append(out, name+"="+list.value)
		}
	}
	slices.Sort(out)
	return out
}
