//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newDoctor(env cli.Env) *cobra.Command {
	var s settings
	var json bool
	c := &cobra.Command{
		Use: "doctor", Short: "say what works on this machine and what to do about the rest",
		Long: `doctor looks at the sandbox backends, the ledger, the configuration and the collector.
One line each: ok, -- (not there, and not needed) or FAIL, a name of at most 22 columns, and what was found.
The first usable sandbox is in use; "gap" lines say in what a backend guarantees less than the others.

Exit status: 0 a run would work; 1 it would not; 6 no sandbox is available.`,
		Example: "  proctor doctor\n  proctor doctor --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return app.Doctor(c.Context(), env, s.options(env), json) },
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&json, "json", false, "one check a line")
	return c
}
