package netproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"proctor/policy"
	"proctor/policy/egress"
)

// answers is the table of reference/codex-network-proxy.md section 6.
var answers = map[policy.Reason]struct{ code, message string }{
	policy.ReasonNotAllowed:       {"blocked-by-allowlist", "Domain not in allowlist."},
	policy.ReasonNotAllowedLocal:  {"blocked-by-allowlist", "Sandbox policy blocks local/private network addresses."},
	policy.ReasonDenied:           {"blocked-by-denylist", "Domain denied by the sandbox policy."},
	policy.ReasonMethodNotAllowed: {"blocked-by-method-policy", "Method not allowed in limited mode."},
	policy.ReasonMITMRequired:     {"blocked-by-mitm-required", "MITM required for limited HTTPS."},
	policy.ReasonProxyDisabled:    {"blocked-by-policy", "network proxy is disabled"},
}

// blockedJSON has its members in the order Codex writes them.
type blockedJSON struct {
	Status   string `json:"status"`
	Host     string `json:"host"`
	Reason   string `json:"reason"`
	Decision string `json:"decision"`
	Source   string `json:"source"`
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port"`
	Message  string `json:"message"`
}

// blocked is the answer to a refused request: JSON, or for CONNECT the message alone.
func blocked(d Decision) *http.Response {
	a, ok := answers[d.Reason]
	if !ok {
		a.code, a.message = "blocked-by-policy", "Request blocked by network policy."
	}
	status := http.StatusForbidden
	if d.Reason == policy.ReasonProxyDisabled {
		status = http.StatusServiceUnavailable
	}
	r := plain(status, a.message)
	r.Header.Set("X-Proxy-Error", a.code)
	if h := hint(d); h != "" {
		r.Header.Set("X-Proxy-Hint", h)
	}
	if d.Protocol == egress.HTTPSConnect {
		return r
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(blockedJSON{"blocked", d.Host, string(d.Reason), "deny", d.Source, string(d.Protocol), d.Port, a.message}); err != nil {
		return r // unreachable: strings and numbers always have a JSON form
	}
	r.Header.Set("Content-Type", "application/json")
	setBody(r, bytes.TrimRight(b.Bytes(), "\n"))
	return r
}

// hint says what to do about a refusal. It holds nothing of the client's own words but a host in normal form.
func hint(d Decision) string {
	switch {
	case d.Protocol == egress.Unix && d.Reason == policy.ReasonNotAllowed:
		return `list the socket in features.network_proxy.unix_sockets with "allow"`
	case d.Source == egress.SourceDecider:
		return "the request was put to the reviewer and not approved"
	case d.Reason == policy.ReasonNotAllowed && d.Askable:
		return fmt.Sprintf(`allow it with features.network_proxy.domains: %q = "allow"`, d.Host)
	case d.Reason == policy.ReasonNotAllowed:
		return "only the administrator's list of domains counts"
	case d.Reason == policy.ReasonNotAllowedLocal && literal(d.Host):
		return fmt.Sprintf(`a non-public address needs a rule of its own: features.network_proxy.domains: %q = "allow"`, d.Host)
	case d.Reason == policy.ReasonNotAllowedLocal:
		return "the name has no address, or one that is not public; see allow_local_binding"
	case d.Reason == policy.ReasonDenied:
		return fmt.Sprintf("denied by the rule %q", d.Rule)
	case d.Reason == policy.ReasonMethodNotAllowed:
		return "mode is limited: GET, HEAD and OPTIONS only"
	case d.Reason == policy.ReasonMITMRequired:
		return "mode is limited, which tunnels cannot be held to; use mode full"
	}
	return ""
}

func upstreamFailure() *http.Response { return plain(http.StatusBadGateway, "upstream failure") }

func plain(status int, text string) *http.Response {
	r := &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"text/plain"}}}
	setBody(r, []byte(text))
	return r
}

func setBody(r *http.Response, b []byte) {
	r.ContentLength, r.Body = int64(len(b)), io.NopCloser(bytes.NewReader(b))
}
