package execrules

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"proctor/policy"
)

// networkProtocols maps the words of a rule, and those of a request, to the protocol that is compared.
var networkProtocols = map[string]string{
	"http": "http", "https": "https", "https_connect": "https", "http-connect": "https",
	"socks5_tcp": "socks5_tcp", "socks5_udp": "socks5_udp",
}

type networkKey struct{ host, protocol string }

type networkRule struct {
	decision      policy.Outcome
	justification string
	file          string
	line          int
}

// NetworkMatch is the strictest network_rule for a destination.
type NetworkMatch struct {
	Decision      policy.Outcome
	Justification string
	File          string
	Line          int
}

// Network returns the strictest network_rule for host and protocol; its Decision is empty when none matches.
func (r *Rules) Network(host, protocol string) NetworkMatch {
	var out NetworkMatch
	if r == nil {
		return out
	}
	name, err := networkHost(host)
	if err != nil {
		return out
	}
	for _, rule := range r.network[networkKey{name, networkProtocols[protocol]}] {
		if out.Decision == "" || rule.decision.Strictness() > out.Decision.Strictness() {
			out = NetworkMatch{Decision: rule.decision, Justification: rule.justification, File: rule.file, Line: rule.line}
		}
	}
	return out
}

// NetworkDomains are the hosts that network rules allow or forbid, as a table of egress has them: allow or deny. A rule counts
// for its host whatever its protocol, as in Codex, and the strictest of several counts; prompts stay out.
func (r *Rules) NetworkDomains() map[string]string {
	if r == nil {
		return nil
	}
	strictest := map[string]policy.Outcome{}
	for key, list := range r.network {
		for _, rule := range list {
			if old, ok := strictest[key.host]; !ok || rule.decision.Strictness() > old.Strictness() {
				strictest[key.host] = rule.decision
			}
		}
	}
	out := map[string]string{}
	for host, o := range strictest {
		switch o {
		case policy.Allow:
			out[host] = "allow"
		case policy.Forbid:
			out[host] = "deny"
		default:
		}
	}
	return out
}

func (l *loader) networkRule(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var host, protocol, decision string
	var justification starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "host", &host, "protocol", &protocol, "decision", &decision,
		"justification?", &justification); err != nil {
		return nil, err
	}
	wire, ok := networkProtocols[protocol]
	if !ok {
		return nil, fmt.Errorf("protocol is %q; expected http, https, socks5_tcp or socks5_udp", clip(protocol))
	}
	if decision == "deny" {
		decision = "forbidden"
	}
	outcome, ok := decisions[decision]
	if !ok {
		return nil, fmt.Errorf("decision is %q; expected allow, prompt, deny or forbidden", clip(decision))
	}
	text, err := readJustification(justification)
	if err != nil {
		return nil, err
	}
	name, err := networkHost(host)
	if err != nil {
		return nil, err
	}
	if l.rules.count++; l.rules.count > maxRules {
		return nil, fmt.Errorf("network_rule: more than %d rules", maxRules)
	}
	key := networkKey{name, wire}
	l.rules.network[key] = append(l.rules.network[key], networkRule{outcome, text, l.file, int(callSite(t).Line)})
	return starlark.None, nil
}

// networkHost normalises the host of a rule or request: a port and brackets are dropped, case and trailing dots too.
func networkHost(raw string) (string, error) {
	refuse := func(why string) (string, error) {
		return "", fmt.Errorf("host is %q: %s; expected a name or an address without scheme, path and wildcard", clip(raw), why)
	}
	host := strings.TrimSpace(raw)
	if len(host) > maxWordSize || strings.ContainsAny(host, "/?#*") {
		return refuse("too long, or holds one of / ? # *")
	}
	if inside, ok := strings.CutPrefix(host, "["); ok {
		literal, rest, closed := strings.Cut(inside, "]")
		if !closed || (rest != "" && !isPort(rest)) {
			return refuse("bad brackets")
		}
		host = literal
	} else if name, port, one := strings.Cut(host, ":"); one && name != "" && isPort(":"+port) {
		host = name
	}
	host = strings.ToLower(strings.TrimRight(host, "."))
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' }) {
		return refuse("empty, or holds blanks")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.String()
	}
	return host, nil
}

func isPort(s string) bool {
	digits, ok := strings.CutPrefix(s, ":")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

func (l *loader) hostExecutable(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	var paths *starlark.List
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "paths", &paths); err != nil {
		return nil, err
	}
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") || len(name) > maxWordSize {
		return nil, fmt.Errorf("name is %q; expected the bare name of a program", clip(name))
	}
	if paths.Len() > maxAlts {
		return nil, fmt.Errorf("paths has %d elements; at most %d are allowed", paths.Len(), maxAlts)
	}
	raw, err := readStrings(paths)
	if err != nil {
		return nil, err
	}
	listed := []string{}
	for _, p := range raw {
		if !path.IsAbs(p) && !strings.HasPrefix(p, "~/") {
			return nil, fmt.Errorf("path is %q; expected an absolute path or one that begins with ~/", clip(p))
		}
		if path.Base(p) != name {
			return nil, fmt.Errorf("path is %q; expected one that ends in /%s", clip(p), name)
		}
		if clean := path.Clean(p); !slices.Contains(listed, clean) {
			listed = append(listed, clean)
		}
	}
	l.rules.hosts[name] = listed
	return starlark.None, nil
}
