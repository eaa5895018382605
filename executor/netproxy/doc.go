// Package netproxy is the only road out for a confined command: an HTTP, CONNECT and SOCKS5 proxy that asks policy/egress
// about every destination.
//
// Build a [Proxy] with [New], one for a session, and call [Proxy.Serve] with an [Inlet] for each call: a listener, and a datagram
// socket for the relay of SOCKS5. Both may live in the network namespace of the command: a socket belongs to the namespace it
// was made in, so descriptors handed out of it need no bridge, and whose connection it is, is known by the inlet. The first
// byte of a connection tells SOCKS5 from HTTP, so one listener does for all. Serve may be called for several inlets at
// once. Clamping of listener addresses is egress.ClampBind's.
//
// Programs that know of no proxy are carried by [Proxy.Open] (judges and connects; then [Passage.Carry]) or, in one,
// [Proxy.Carry]; a [Stub] answers their name lookups out of a range of its own, and [Stub.Name] says what was asked for.
//
// A miss of the allow list goes to Options.OnMiss (once for a call, host, port and protocol) or passes under Options.Report.
// Neither lifts a deny rule, the guard of local addresses or that of methods. [Proxy.SetPolicy] changes the policy while
// the proxy runs.
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
// mitm, which New refuses. No upstream proxy, no Unix socket targets (501), no HTTP upgrade in forwarded requests (WebSockets come through CONNECT).
// Requests that name no destination (broken request line, unknown SOCKS command) are
// answered and not reported. It is not wired into the sandbox.
package netproxy
