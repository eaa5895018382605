package unrecorded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/policy/egress"
)

// EgressOptions are the flags of proctor policy egress.
type EgressOptions struct {
	Config      config.Options
	Target      string // HOST or HOST:PORT
	Protocol    string
	Method      string
	Resolve     []string // instead of asking the resolver
	JSON        bool
	IgnoreRules bool
}

// egressAnswer is the result as JSON.
type egressAnswer struct {
	Host     string `json:"host"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
	Method   string `json:"method,omitempty"`
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Source   string `json:"source"`
	Rule     string `json:"rule,omitempty"`
	// Askable: a person or the automatic reviewer could allow it where they may be asked.
	Askable  bool     `json:"askable,omitempty"`
	Resolved []string `json:"resolved,omitempty"`
	// InForce: commands reach the network through the proxy; otherwise the rules hold for nobody.
	InForce bool     `json:"in_force"`
	Network string   `json:"network"` // off, proxied or on
	Notes   []string `json:"notes,omitempty"`
}

// lookupLimit is that of the proxy.
const lookupLimit = 2 * time.Second

// PolicyEgress says what the network proxy would do with a destination. The resolver is asked as the proxy would ask it.
func PolicyEgress(ctx context.Context, env cli.Env, o EgressOptions) error {
	request, err := egressRequest(o)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	given, err := givenAnswers(o.Resolve)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	cfg, warnings, err := env.Configure(o.Config)
	cli.ShowWarnings(env, warnings)
	if err != nil {
		return err
	}
	rules, _, err := terms.Rules(cfg, o.IgnoreRules)
	if err != nil {
		return err
	}
	n, err := terms.NetworkOf(cfg, rules)
	if err != nil {
		return err
	}
	rest := n.Policy
	rest.Enabled = true // what the rules say, whether the proxy is on is said beside it
	if m := rest.Managed; m != nil {
		open := *m
		open.Enabled = nil
		rest.Managed = &open
	}
	p, err := egress.New(rest)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	d := p.Decide(request, func(host string) ([]netip.Addr, error) {
		if o.Resolve != nil {
			return given, nil
		}
		ctx, cancel := context.WithTimeout(ctx, lookupLimit)
		defer cancel()
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	})
	a := egressAnswer{
		Host: d.Host, Port: request.Port, Protocol: string(request.Protocol), Method: request.Method, Decision: "deny", Reason: string(d.Reason),
		Source: d.Source, Rule: d.Rule, Askable: d.Askable, InForce: n.Proxied, Network: "off", Notes: n.Notes,
	}
	if d.Outcome == policy.Allow {
		a.Decision = "allow"
	}
	for _, addr := range d.Addrs {
		a.Resolved = append(a.Resolved, addr.String())
	}
	switch {
	case n.Proxied:
		a.Network = "proxied"
	case cfg.NetworkAccess():
		a.Network = "on"
	}
	return printEgress(env, a, o.JSON)
}

func egressRequest(o EgressOptions) (egress.Request, error) {
	r := egress.Request{Protocol: egress.Protocol(o.Protocol), Method: strings.ToUpper(o.Method), Host: o.Target, Port: 443}
	switch r.Protocol {
	case egress.HTTP:
		r.Port = 80
		if r.Method == "" {
			r.Method = "GET"
		}
	case egress.HTTPSConnect, "https":
		r.Protocol = egress.HTTPSConnect
		r.Method = "CONNECT"
	case egress.SOCKS5TCP, egress.SOCKS5UDP, egress.TCP:
		r.Method = ""
	case egress.Unix:
		r.Port = 0
		return r, nil
	default:
		return r, fmt.Errorf("--protocol is %q; expected http, https, socks5_tcp, socks5_udp, tcp or unix", o.Protocol)
	}
	if host, port, err := net.SplitHostPort(o.Target); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || host == "" {
			return r, fmt.Errorf("destination is %q; expected HOST or HOST:PORT with a port from 1 to 65535", o.Target)
		}
		r.Host, r.Port = host, uint16(n)
	}
	if r.Host == "" {
		return r, errors.New("destination is empty; expected HOST or HOST:PORT")
	}
	return r, nil
}

func givenAnswers(list []string) ([]netip.Addr, error) {
	out := []netip.Addr{}
	for _, text := range list {
		if text == "" {
			continue // an empty answer
		}
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("--resolve: %q is no IP address", text)
		}
		out = append(out, a)
	}
	return out, nil
}

func printEgress(env cli.Env, a egressAnswer, asJSON bool) error {
	if asJSON {
		return cli.Fail(cli.Failure, json.NewEncoder(env.Stdout).Encode(a))
	}
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-10s %s\n", name, cli.Plain(value))
		}
	}
	to := a.Host
	if a.Port != 0 {
		to = net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
	}
	fmt.Fprintf(&b, "%s %s (%s)\n", a.Decision, cli.Plain(to), a.Protocol)
	line("reason", a.Reason)
	line("source", a.Source)
	line("rule", a.Rule)
	line("addresses", strings.Join(a.Resolved, " "))
	if a.Askable {
		line("approval", "can allow it, where somebody may be asked")
	}
	switch a.Network {
	case "off":
		line("network", "off: commands reach nothing, whatever the rules say")
	case "on":
		line("network", "on: commands reach everything directly, the rules hold for nobody; set features.network_proxy = true")
	default:
		line("network", "through the proxy only")
	}
	for _, note := range a.Notes {
		line("note", note)
	}
	_, err := fmt.Fprint(env.Stdout, b.String())
	return cli.Fail(cli.Failure, err)
}
