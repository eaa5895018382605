//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newDoctor(env cli.Env) *cobra.Command {
	var s settings
	var json, codex bool
	c := &cobra.Command{
		Use: "doctor", Short: "say what works on this machine and what to do about the rest",
		Long: `doctor looks at the sandbox backends, the ledger, the configuration and the collector.
One line each: ok, -- (not there, and not needed) or FAIL, a name of at most 22 columns, and what was found.
With --codex it also proves, without running a turn, that the Codex CLI takes what 'proctor codex install' wrote: Codex is asked which hooks
it trusts, the hook is asked, the executor is attached, the receiver of telemetry is reached.
The first usable sandbox is in use; "gap" lines say in what a backend guarantees less than the others.

Exit status: 0 a run would work; 1 it would not; 6 no sandbox is available.`,
		Example: "  proctor doctor\n  proctor doctor --json\n  proctor doctor --codex",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return app.Doctor(c.Context(), env, s.options(env), json, codex)
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&json, "json", false, "one check a line")
	c.Flags().BoolVar(&codex, "codex", false, "also prove that the Codex CLI takes what was installed")
	return c
}
