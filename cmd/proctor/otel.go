//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newOtel(env cli.Env) *cobra.Command {
	var s settings
	var asJSON bool
	check := &cobra.Command{
		Use: "check", Short: "send a marked canary for each signal and say what the collector did with it",
		Long: `check sends one record, one metric point and one span, each named proctor.canary and marked with proctor.canary_id,
to the exporters of [otel] that are on: the same addresses, headers, certificates and encoding as a run. It reads no ledger, records nothing and
tries once. For what is not accepted it says why and what to do next.

Exit status: 0 every signal is accepted; 1 one is not, [otel] is off, or the configuration is wrong; 2 usage.`,
		Example: "  proctor otel check\n  proctor otel check --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return app.CheckOtel(c.Context(), env, s.options(env), asJSON)
		},
	}
	s.bind(check.Flags())
	check.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each signal")
	return group("otel", "the [otel] settings", check)
}
