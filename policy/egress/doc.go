// Package egress decides whether a network destination may be reached.
//
// New(config) compiles a policy once; Policy.Decide answers one request after the other. The order of checks is that of
// reference/codex-network-proxy.md section 4: malformed host, deny pattern, local literal, allow list, mode guard, name lookup.
// The resolver is asked only for a name that passed everything before, and only while local destinations are off.
//
// Guarantees. Deny wins over allow, a miss is not an allow, and a lookup that fails, is empty or holds one
// non-public address is a refusal. Decision.Addrs are the very addresses that were checked: dial one of them,
// not the name, and rebinding cannot happen. Patterns and hosts are compared in one normal form (normalise.go), so another spelling of a
// denied host is denied too. Pure and safe for concurrent use; Decide calls lookup at most once and sets no time limit on it.
// Bounds: maxPatterns patterns, 253 bytes of host, maxAnswers answers looked at (more are refused).
//
// Stricter than Codex on purpose: IDNA on both sides, ports in rules are honoured, IPv6 forms that carry IPv4 and all
// special ranges are non-public, numeric IPv4 spellings never pass, an empty answer is a refusal.
//
// It does not resolve, dial, ask anyone or intercept TLS, and does not follow symbolic links of socket paths.
package egress
