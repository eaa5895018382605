package egress

import (
	"net/netip"
	"slices"
)

// Sources: IANA special-purpose registries of IPv4 and IPv6, RFC 6890, and the cloud metadata addresses that are not in one
// of them.
var nonPublic4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")

// nonPublic6 lies inside global unicast; everything outside of it is non-public anyway.
// 2001::/23 holds Teredo, benchmarking and ORCHID; 2002::/16 is 6to4.
var nonPublic6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

var (
	globalUnicast6 = netip.MustParsePrefix("2000::/3")
	nat64          = netip.MustParsePrefix("64:ff9b::/96")
	compatible     = netip.MustParsePrefix("::/96")
	sixToFour      = netip.MustParsePrefix("2002::/16")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// Public reports whether an address is reachable on the public internet. IPv4-mapped, IPv4-compatible and NAT64 addresses are
// judged by the IPv4 inside; everything with a zone, and every IPv6 outside 2000::/3, is not public.
func Public(a netip.Addr) bool {
	switch {
	case !a.IsValid() || a.Zone() != "":
		return false
	case a.Is4():
		return !contains(nonPublic4, a)
	case a.Is4In6():
		return Public(a.Unmap())
	case nat64.Contains(a):
		return Public(tail4(a))
	case compatible.Contains(a):
		return Public(tail4(a)) // :: and ::1 carry 0/8
	}
	return globalUnicast6.Contains(a) && !contains(nonPublic6, a)
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// tail4 is the IPv4 in the last four bytes.
func tail4(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// carried returns the IPv4 that an IPv6 address carries.
func carried(a netip.Addr) (netip.Addr, bool) {
	a = a.WithZone("")
	b := a.As16()
	switch {
	case a.Is4In6():
		return a.Unmap(), true
	case nat64.Contains(a), a.Is6() && compatible.Contains(a):
		return tail4(a), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
