package egress

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// rule is one entry of a domains table in normal form.
type rule struct {
	text string // as written
	// exact is the host for a pattern without wildcards; globs otherwise, of which one must match.
	exact string
	globs []string
	port  uint16 // 0: any
	allow bool
}

const metaChars = "*?["

// newRule reads a pattern. A port behind it is honoured.
func newRule(text, verdict string) (rule, error) {
	refuse := func(why string) (rule, error) {
		return rule{}, fmt.Errorf("read domains: pattern %q: %s", text, why)
	}
	if verdict != verdictAllow && verdict != verdictDeny {
		return refuse(fmt.Sprintf("value is %q; expected allow or deny", verdict))
	}
	r := rule{text: text, allow: verdict == verdictAllow}
	s := strings.TrimSpace(text)
	if len(s) > maxRaw || strings.ContainsAny(s, "/\\@ \t\r\n{}") {
		return refuse("expected a host name or address, wildcards * and ? and [..] inside, without scheme, path or blanks")
	}
	name, port, err := splitRulePort(s)
	if err != nil {
		return refuse("expected at most one port, and brackets only around an IPv6 address")
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return refuse("expected a port from 1 to 65535 behind the colon")
		}
		r.port = uint16(n)
	}
	if addr, ok := literal(name); ok {
		r.exact = addr.String()
		return r, nil
	}
	if name, err = asciiPattern(name); err != nil || name == "" {
		return refuse("is empty or no valid international name")
	}
	if !strings.ContainsAny(name, metaChars) {
		if addr, ok := literal(name); ok {
			name = addr.String()
		} else if validName(name) != nil {
			return refuse("is no valid host name")
		}
		r.exact = name
		return r, nil
	}
	if r.globs, err = expandWildcard(name); err != nil {
		return refuse(err.Error())
	}
	if name == "*" && !r.allow {
		return refuse("the global wildcard may only allow; leave the host out of the allow rules instead")
	}
	return r, nil
}

// splitRulePort is splitPort for patterns, where a bracket may also begin a character class.
func splitRulePort(s string) (name, port string, err error) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		in, rest, _ := strings.Cut(inside, "]")
		if _, ip := literal(in); ip || in == "*" {
			port, ok = strings.CutPrefix(rest, ":")
			if rest != "" && (!ok || port == "") {
				return "", "", errHost
			}
			return in, port, nil
		}
	}
	if strings.Count(s, ":") == 1 {
		name, port, _ = strings.Cut(s, ":")
		if port == "" {
			return "", "", errHost
		}
		return name, port, nil
	}
	return s, "", nil
}

// asciiPattern normalises label by label; labels with wildcards must be ASCII.
func asciiPattern(s string) (string, error) {
	if !strings.ContainsAny(s, metaChars) {
		return asciiName(s)
	}
	labels := strings.Split(strings.TrimRight(s, "."), ".")
	for i, label := range labels {
		if strings.ContainsAny(label, metaChars+"]") {
			if !isASCII(label) {
				return "", errHost
			}
			labels[i] = strings.ToLower(label)
			continue
		}
		ascii, err := asciiName(label)
		if err != nil || ascii == "" {
			return "", errHost
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), nil
}

// expandWildcard turns a pattern into globs: "*.d" is one or more labels below d, "**.d" is d too.
func expandWildcard(name string) ([]string, error) {
	globs := []string{name}
	if below, ok := strings.CutPrefix(name, "**."); ok {
		globs = []string{below, "*." + below}
		name = below
	}
	if strings.Contains(name, "**") {
		return nil, fmt.Errorf("holds a repeated wildcard; use *.name for what is below, **.name for the name too")
	}
	for i, g := range globs {
		g = strings.ReplaceAll(g, "[!", "[^")
		if _, err := path.Match(g, "x"); err != nil || g == "" {
			return nil, fmt.Errorf("has a malformed character class")
		}
		globs[i] = g
	}
	return globs, nil
}

// match: text is a host in normal form.
func (r rule) match(text string, port uint16) bool {
	return (r.port == 0 || r.port == port) && r.covers(text)
}

// covers is match for some port. The wildcards also cross dots, as in Codex.
func (r rule) covers(text string) bool {
	if r.globs == nil {
		return r.exact == text
	}
	for _, g := range r.globs {
		if ok, err := path.Match(g, text); ok && err == nil {
			return true
		}
	}
	return false
}

// order sorts rules so that the one named in a decision does not depend on map order.
func order(a, b rule) int { return strings.Compare(a.text, b.text) }
