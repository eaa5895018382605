// Package netproxy is the only road out for a confined command: an HTTP, CONNECT and SOCKS5 proxy that asks policy/egress
// about every destination.
//
// Build a [Proxy] with [New] and call [Proxy.Serve] with a listener, a Unix socket or loopback TCP; the first byte of a
// connection tells SOCKS5 from HTTP, so one listener does for all. Serve may be called for several listeners at once, and
// the limits hold over all of them. Clamping of listener addresses is egress.ClampBind's.
//
// # Guarantees
//
//   - Nothing is dialled that policy/egress did not allow. A name is resolved once, every answer is judged, and one of those
//     very addresses is dialled: rebinding between check and use cannot happen. A deny rule for an address also refuses
//     names that resolve to it.
//   - Options.OnDecision returns before the first byte leaves. When it fails, nothing is dialled.
//   - Every allowed decision has exactly one OnClose, with the bytes of both directions and the reason of the end.
//   - CONNECT is answered with 200, and SOCKS5 with 0, only when the destination is connected.
//   - Requests are parsed and written anew, never copied: hop-by-hop fields, those named in Connection, and proxy
//     credentials are left out, and nothing is added.
//   - Serve returns when all its connections are closed and their handlers have ended, OnClose included.
//
// # Bounds
//
// See [Limits]. When Limits.Conns connections are open, further ones wait in the listener's backlog. A head above
// Limits.HeaderBytes is answered with 431. Bodies are streamed and have no bound but time.
//
// # What a refused client sees
//
// The answers of Codex, reference/codex-network-proxy.md section 6. Where an answer here is ours: 503 when the decision could
// not be recorded, 400 for a target that is no http URL, 502 for a failed CONNECT, which Codex lets die after its 200.
//
// # What it does not do yet
//
// SOCKS5 UDP ASSOCIATE is answered with "command not supported" (reply 7) and reported as socks5_udp_disabled; BIND is
// answered the same and not reported. No TLS interception, so limited mode never lets CONNECT through unless the policy says
// mitm, which New refuses. No upstream proxy, no Unix socket targets (501), no approval of a miss, no attribution of one
// shared proxy's connections to several commands, no HTTP upgrade in forwarded requests (WebSockets come through CONNECT),
// no change of policy while it runs. Requests that name no destination (broken request line, unknown SOCKS command) are
// answered and not reported. It is not wired into the sandbox.
package netproxy
