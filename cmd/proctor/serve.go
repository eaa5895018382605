//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newServe(env cli.Env) *cobra.Command {
	var s settings
	var in app.IntakeOptions
	c := &cobra.Command{
		Use: "serve", Short: "own the ledger in the foreground, and serve it to the other processes of this user",
		Long: `serve takes the ledger and keeps it until SIGINT or SIGTERM. Every other proctor process of the same user with
the same PROCTOR_HOME records through it, over a socket in the ledger's folder that only this user can use, and the
exporters of [otel] send what all of them recorded. Without it the process that comes first does the same, for as long as it
runs. When the owner ends, also by SIGKILL, another process takes over and nothing acknowledged is lost.

It also answers the hooks of Codex ('proctor codex hook'), and with --otlp-http or --otlp-grpc takes its telemetry in, as 'proctor codex otel-receive'.

With [bus] url and node in proctor.toml it is a ledger node: it takes what runs recorded on that NATS cluster into its ledger,
a partition at a time, and takes over those of a node that is gone. doc/scale.md shows how to set that up.

Exit status: 0 ended by SIGINT or SIGTERM; 1 configuration; 2 [bus] names a node or a cluster, and not both; 7 the ledger
cannot be opened or failed, or the cluster cannot be reached or does not sync what it acknowledges.`,
		Example: "  proctor serve\n  PROCTOR_HOME=/srv/proctor proctor serve",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return app.Serve(c.Context(), env, s.options(env), in)
		},
	}
	s.bind(c.Flags())
	bindIntake(c.Flags(), &in, "", "")
	return c
}
