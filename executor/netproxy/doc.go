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
//   - Options.OnDecision returns before the first byte leaves. When it fails, nothing is dialled. For a request over a kept connection whose
//     decision is, word for word, one that OnDecision returned for already, it may return before the repetition is durable: then Options.OnRedial
//     waits for that before another connection is made.
//   - Every allowed decision has exactly one OnClose, with the bytes of both directions and the reason of the end.
//   - CONNECT is answered with 200, and SOCKS5 with 0, only when the destination is connected.
//   - Requests are parsed and written anew, never copied: hop-by-hop fields, those named in Connection, and proxy
//     credentials are left out, and nothing is added. What parsers disagree about (a length said twice, folded fields, bare
//     CR or LF, a Host unlike the target, a body of CONNECT) is refused with 400.
//   - A connection to a destination is kept for further GET, HEAD and OPTIONS of the same client connection to the same host and port. Each is
//     judged anew, by the address that the connection leads to.
//   - A request may switch protocols (WebSocket) as it would in a tunnel, but not to HTTP/2, and not in limited mode.
//   - Serve returns when all its connections are closed and their handlers have ended, OnClose included.
//
// # Bounds
//
// See [Limits]. When Limits.Conns connections are open, further ones wait in the listener's backlog. A head above
// Limits.HeaderBytes is answered with 431. Bodies are streamed and have no bound but time.
//
// # UDP
//
// UDP ASSOCIATE answers with the address of Inlet.Datagrams, so it works for clients in the inlet's network namespace. A
// datagram belongs to the association whose client has its source address. Each pair of source and destination has one
// decision, is resolved once, has a connected socket of its own, and ends by silence or with the association; its OnClose counts
// the data. Fragments, datagrams beyond Limits.UDPFlows pairs and those for a destination that was refused before are dropped.
//
// # Unix sockets
//
// A plain request with x-unix-socket goes to the socket at that path. Symbolic links are followed first, and where they
// lead must be listed; what a listed link leads to is fixed when the policy is made. On Linux the path is opened without links, and
// what was opened is connected to. Paths are those of this process, not of the command's mount namespace.
//
// # Upstream proxy
//
// With Options.Upstream public destinations are reached through another HTTP(S) proxy, after the same judgement. It is weaker in one
// point: that proxy gets the name and looks it up again, so rebinding is closed only as far as it closes it; Decision.Dialled
// is empty and Via names it. Other destinations, UDP and Unix sockets are dialled directly.
//
// # What a refused client sees
//
// The answers of Codex, reference/codex-network-proxy.md section 6, and x-proxy-hint, which says what to do. Where an answer here
// is ours: 503 when the decision could not be recorded, 400 for a target that is no http URL, 502 for a failed CONNECT, which
// Codex lets die after its 200, and Unix sockets, which Codex has on macOS only.
//
// # What it does not do
//
// No TLS interception: New refuses mitm, and limited mode answers CONNECT with mitm_required. SOCKS5 BIND is answered with reply 7
// and not reported, as are requests that name no destination (broken request line, unknown SOCKS command). UDP ASSOCIATE
// without Inlet.Datagrams is refused with reply 7 and reported as socks5_udp_disabled. Trailers of requests are dropped.
package netproxy
