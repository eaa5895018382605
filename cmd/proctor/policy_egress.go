package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/unrecorded"
)

func newPolicyEgress(env cli.Env) *cobra.Command {
	var o unrecorded.EgressOptions
	c := configured(&cobra.Command{
		Use:   "egress [flags] HOST[:PORT]",
		Short: "say whether commands may reach a destination, and by which rule",
		Long: `egress decides about a destination as the network proxy of a run with the same flags would: features.network_proxy, the
network rules of the profile, network_rule of the execution rules, and the requirements. Nothing is connected to. A name
that passed the rules is looked up, as the proxy does it, unless --resolve gives the answer.

Without a port it is 80 for http and 443 otherwise.

Exit status: 0 decided, whatever the decision; 1 the configuration or a rules file is refused; 2 usage.`,
		Example: `  proctor policy egress pypi.org
  proctor policy egress --protocol http --method POST api.example.com:8080
  proctor policy egress --resolve 10.0.0.7 --json registry.example.com`,
		Args: cobra.ExactArgs(1),
	}, env, func(ctx context.Context, co config.Options, args []string) error {
		o.Config, o.Target = co, args[0]
		o.Config.Headless = true
		return unrecorded.PolicyEgress(ctx, env, o)
	})
	f := c.Flags()
	f.StringVar(&o.Protocol, "protocol", "https", "http, https, socks5_tcp, socks5_udp, tcp or unix")
	f.StringVar(&o.Method, "method", "", "HTTP method, GET when not given")
	f.StringSliceVar(&o.Resolve, "resolve", nil, "what the name resolves to, `IP,...`, instead of asking the resolver")
	f.BoolVar(&o.JSON, "json", false, "one JSON object")
	bindIgnoreRules(f, &o.IgnoreRules)
	return c
}
