package app

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/google/uuid"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/approval"
	"proctor/executor/netproxy"
	"proctor/executor/sandbox"
	"proctor/internal/cli"
	"proctor/internal/terms"
	"proctor/policy"
)

// roads carries the connections of a session's commands, and records what was decided about each.
type roads struct {
	terms  terms.Network
	proxy  *netproxy.Proxy
	stream *event.Stream
	gate   *approval.Gate

	mu   sync.Mutex
	open map[string]executor.Road // by execution id
}

// newRoads makes the roads of a session, for whatever of it is proxied.
func (r *run) newRoads(gate *approval.Gate) (*roads, error) {
	n := &roads{terms: r.network, stream: r.stream, gate: gate, open: map[string]executor.Road{}}
	o := proxyOptions(r.env, r.network)
	o.OnDecision, o.OnClose = n.decided, n.closed
	o.OnRedial = func(context.Context) error { return n.stream.Flush() }
	if gate.AsksAboutNetwork() {
		o.OnMiss = n.missed
	}
	var err error
	if n.proxy, err = netproxy.New(o); err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	return n, nil
}

// proxyOptions are what the terms say of a proxy.
func proxyOptions(env cli.Env, n terms.Network) netproxy.Options {
	o := netproxy.Options{Policy: n.Policy, Report: n.Report, Logger: env.Logger()}
	if n.Proxied && n.Upstream {
		var warnings []string
		o.Upstream, warnings = netproxy.UpstreamFrom(env.Getenv)
		for _, w := range warnings {
			cli.Warn(env, w)
		}
	}
	return o
}

// Road implements executor.Network. Whose connections they are is known from now on: a command may connect before its road is served.
func (n *roads) Road(r executor.Road) *sandbox.Proxy {
	execution := uuid.NewString()
	n.mu.Lock()
	n.open[execution] = r
	n.mu.Unlock()
	return roadOf(n.proxy, n.terms, execution, func(ctx context.Context, serve func(context.Context)) {
		defer func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			delete(n.open, execution)
		}()
		serve(ctx)
	})
}

// roadOf is the road of one command; around is called with what carries the connections. An error of the sockets ends the
// road, and the command finds nobody there.
func roadOf(p *netproxy.Proxy, n terms.Network, execution string, around func(ctx context.Context, serve func(context.Context))) *sandbox.Proxy {
	road := &sandbox.Proxy{Environ: n.ProxyEnviron}
	names := func(context.Context, net.PacketConn) {}
	if n.Transparent {
		c := newCarried(p, execution)
		road.Connect, names = c.connect, c.serve
	}
	road.Serve = func(ctx context.Context, s sandbox.Sockets) {
		around(ctx, func(ctx context.Context) {
			var asked sync.WaitGroup
			if s.Names != nil {
				asked.Go(func() { names(ctx, s.Names) })
			}
			_ = p.Serve(ctx, netproxy.Inlet{Listener: s.Listener, Datagrams: s.Datagrams, Call: execution})
			asked.Wait()
		})
	}
	return road
}

func (n *roads) road(execution string) executor.Road {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open[execution]
}

// decided records a decision. What it lets out waits for the receipt, but for a request that repeats, over the same connection, one that
// has its receipt: the record says already that this may go out, and that it did once more is in the next commit.
func (n *roads) decided(ctx context.Context, d netproxy.Decision) error {
	r := n.road(d.Call)
	draft := event.Draft{ID: d.ID, Turn: r.Turn, Call: r.Call, Cause: r.Cause, Actor: event.Policy, Payload: netproxy.Payload(d)}
	if d.Outcome == policy.Allow && d.Repeats {
		return n.stream.PublishSoon(draft)
	}
	if d.Outcome == policy.Allow {
		_, err := n.stream.RecordAnyway(ctx, draft)
		return err
	}
	if err := n.stream.PublishAnyway(ctx, draft); err != nil {
		return err
	}
	if r.Block != nil {
		r.Block(blockedText(d), n.terms.Kill)
	}
	return nil
}

// closed records the end of what was let out. A lost record shows at the next one that is waited for.
func (n *roads) closed(d netproxy.Decision) {
	r := n.road(d.Call)
	_ = n.stream.PublishSoon(event.Draft{Turn: r.Turn, Call: r.Call, Cause: d.ID, Actor: event.Sandbox, Payload: closedPayload(d)})
}

func closedPayload(d netproxy.Decision) *event.NetworkClosedPayload {
	p := &event.NetworkClosedPayload{
		Decision: d.ID, Host: shorten(d.Host, maxListedText), Port: int(d.Port), Protocol: string(d.Protocol), Execution: d.Call,
		Sent: d.Sent, Received: d.Received, Duration: d.Duration.Milliseconds(), Failure: shorten(d.Failure, maxListedText),
	}
	if d.Dialled.IsValid() {
		p.Dialled = d.Dialled.String()
	}
	return p
}

// missed asks the gate about a destination that no rule allows.
func (n *roads) missed(ctx context.Context, d netproxy.Decision) (netproxy.Answer, error) {
	r := n.road(d.Call)
	a, err := n.gate.Network(ctx, approval.Miss{Turn: r.Turn, Call: r.Call, Cause: r.Cause, Command: r.Action, Facts: policy.Network{
		Host: d.Host, Port: d.Port, Protocol: string(d.Protocol), Enabled: true, Outcome: d.Outcome, Reason: d.Reason, Rule: d.Rule, Askable: d.Askable,
	}})
	switch {
	case err != nil || !a.Allowed:
		return netproxy.Deny, err
	case a.Session:
		return netproxy.AllowSession, nil
	}
	return netproxy.AllowOnce, nil
}

// blockedText says in one sentence why a destination is out of reach, in the words of Codex where it has some.
func blockedText(d netproxy.Decision) string {
	why := map[policy.Reason]string{
		policy.ReasonNotAllowed:       "domain is not on the allowlist for the current sandbox mode",
		policy.ReasonDenied:           "domain is explicitly denied by policy and cannot be approved from this prompt",
		policy.ReasonNotAllowedLocal:  "local/private network addresses are blocked by the sandbox policy",
		policy.ReasonMethodNotAllowed: "request method is blocked by the current network mode",
		policy.ReasonMITMRequired:     "https cannot be looked into, which the limited network mode would need",
	}[d.Reason]
	if why == "" {
		why = "request is blocked by network policy (" + string(d.Reason) + ")"
	}
	return fmt.Sprintf("Network access to %q was blocked: %s.", shorten(d.Host, maxListedText), why)
}

// SandboxProxy is the proxy of one command without a session: nothing is recorded and nobody is asked. tell gets each refusal.
func SandboxProxy(env cli.Env, n terms.Network, tell func(why string, end bool)) (*sandbox.Proxy, error) {
	o := proxyOptions(env, n)
	o.OnDecision = func(_ context.Context, d netproxy.Decision) error {
		if d.Outcome != policy.Allow {
			tell(blockedText(d), n.Kill)
		}
		return nil
	}
	p, err := netproxy.New(o)
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	return roadOf(p, n, "", func(ctx context.Context, serve func(context.Context)) { serve(ctx) }), nil
}
