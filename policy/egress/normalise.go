package egress

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxHost  = 253 // bytes, RFC 1035
	maxLabel = 63
	maxRaw   = 1024 // bytes accepted before normalisation
)

var errHost = errors.New("host is empty or malformed")

// host is a destination in normal form.
type host struct {
	text string
	addr netip.Addr // valid for a literal in canonical spelling
	// numeric: a name that ends in a number, such as 127.1 or 0x7f000001; decoded is its address when it has one.
	numeric bool
	decoded netip.Addr
}

// normaliseHost reads a host as a client sends it: blanks, brackets, a port and trailing dots go, case folds, IDNA applies (UTS 46,
// non-transitional), address literals become canonical.
func normaliseHost(raw string) (host, error) {
	if len(raw) > maxRaw || !utf8.ValidString(raw) {
		return host{}, errHost
	}
	s, _, err := splitPort(strings.TrimSpace(raw))
	if err != nil {
		return host{}, err
	}
	if addr, ok := literal(s); ok {
		return host{text: addr.String(), addr: addr}, nil
	}
	s, err = asciiName(s)
	if err != nil {
		return host{}, err
	}
	if addr, ok := literal(s); ok {
		return host{text: addr.String(), addr: addr}, nil
	}
	h := host{text: s, numeric: endsInNumber(s)}
	if h.numeric {
		h.decoded, _ = decodeNumeric(s)
	}
	return h, validName(s)
}

// literal reads an address literal; trailing dots and %25 for % are tolerated.
func literal(s string) (netip.Addr, bool) {
	s = strings.Replace(strings.TrimRight(s, "."), "%25", "%", 1)
	addr, err := netip.ParseAddr(s)
	return addr, err == nil
}

// splitPort takes brackets away, and a port behind them or behind the only colon.
func splitPort(s string) (name, port string, err error) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		name, rest, closed := strings.Cut(inside, "]")
		port, ok := strings.CutPrefix(rest, ":")
		if !closed || (rest != "" && !ok) || strings.ContainsAny(name, "[]") {
			return "", "", errHost
		}
		return name, port, nil
	}
	if strings.Count(s, ":") == 1 {
		name, port, _ = strings.Cut(s, ":")
		return name, port, nil
	}
	return s, "", nil
}

// profile accepts what resolvers accept: no hyphen or STD3 checks, which real names violate.
var profile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.CheckHyphens(false), idna.StrictDomainName(false))

// asciiName folds case, maps to A-labels and drops trailing dots. A name that is ASCII already and not valid IDNA stays.
func asciiName(s string) (string, error) {
	lower := strings.ToLower(s)
	if isASCII(s) && !strings.Contains(lower, "xn--") {
		return strings.TrimRight(lower, "."), nil
	}
	out, err := profile.ToASCII(s)
	switch {
	case err == nil:
		return strings.TrimRight(strings.ToLower(out), "."), nil
	case isASCII(s):
		return strings.TrimRight(lower, "."), nil
	}
	return "", errHost
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// validName: labels of letters, digits, hyphens and underscores, none empty or too long.
func validName(s string) error {
	if s == "" || len(s) > maxHost {
		return errHost
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || strings.ContainsFunc(label, notHostRune) {
			return errHost
		}
	}
	return nil
}

func notHostRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
