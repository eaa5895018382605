package egress

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Bind is a listener address after clamping, with the warning to show; it is empty when nothing was changed or is dangerous.
type Bind struct {
	Addr    netip.AddrPort
	Warning string
}

// The default ports of listener addresses without one.
const (
	DefaultHTTPPort  = 3128
	DefaultSOCKSPort = 8081
)

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// ClampBind reads a listener address (URL or host:port) and keeps it on loopback, unless the dangerous flag is set and no
// Unix socket is reachable through the proxy. A name is never resolved: it becomes 127.0.0.1. defaultPort is used when
// requested has none.
func ClampBind(c Config, requested string, defaultPort uint16) (Bind, error) {
	name, port, err := bindParts(requested, defaultPort)
	if err != nil {
		return Bind{}, fmt.Errorf("read listener address %q: %w", requested, err)
	}
	addr, ok := literal(name)
	if !ok {
		return Bind{Addr: netip.AddrPortFrom(loopback4, port), Warning: nameWarning(name)}, nil
	}
	addr = addr.WithZone("").Unmap()
	c = c.narrowed()
	switch {
	case addr.IsLoopback():
		return Bind{Addr: netip.AddrPortFrom(addr, port)}, nil
	case !c.DangerouslyAllowNonLoopbackProxy:
		return clamped(requested, port, "dangerously_allow_non_loopback_proxy is off"), nil
	case c.reachesSockets():
		return clamped(requested, port, "Unix sockets are reachable through the proxy"), nil
	}
	return Bind{Addr: netip.AddrPortFrom(addr, port), Warning: "DANGEROUS: the proxy listens on " + addr.String() + ", beyond this machine"}, nil
}

func nameWarning(name string) string {
	if strings.EqualFold(name, "localhost") {
		return ""
	}
	return "the proxy listens on 127.0.0.1: the name " + strconv.Quote(name) + " is not resolved for a listener"
}

func clamped(requested string, port uint16, why string) Bind {
	return Bind{Addr: netip.AddrPortFrom(loopback4, port), Warning: fmt.Sprintf("the proxy listens on 127.0.0.1:%d instead of %s: %s", port, requested, why)}
}

func (c Config) reachesSockets() bool {
	if c.DangerouslyAllowAllUnixSockets {
		return true
	}
	for _, v := range c.UnixSockets {
		if v == verdictAllow {
			return true
		}
	}
	if c.Managed != nil {
		for _, v := range c.Managed.UnixSockets {
			if v == verdictAllow {
				return true
			}
		}
	}
	return false
}

// bindParts drops scheme, user information and path.
func bindParts(s string, defaultPort uint16) (name string, port uint16, err error) {
	s = strings.TrimSpace(s)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	if s == "" || len(s) > maxRaw {
		return "", 0, errHost
	}
	name, text, err := splitPort(s)
	if err != nil || name == "" {
		return "", 0, errHost
	}
	if text == "" {
		return name, defaultPort, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port is %q; expected 0 to 65535", text)
	}
	return name, uint16(n), nil
}
