//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newExport(env cli.Env) *cobra.Command {
	var s settings
	drain := &cobra.Command{
		Use: "drain", Short: "send what the collector has not got yet",
		Long: `drain sends everything behind the cursors of the exporters configured in [otel], and ends. What
cannot be sent stays in the ledger.

Exit status: 0 everything is sent; 1 something is left, or [otel] is off.`,
		Example: "  proctor export drain", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			store, cfg, done, err := s.openStore(c, env, app.Open, app.Reader)
			if err != nil {
				return err
			}
			defer done(&err)
			return app.Drain(c.Context(), env, store, cfg)
		},
	}
	s.bind(drain.Flags())
	return group("export", "telemetry to a collector", drain)
}
