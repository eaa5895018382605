//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newCodexReconcile(env cli.Env) *cobra.Command {
	var s settings
	var o app.ReconcileOptions
	c := &cobra.Command{
		Use:   "reconcile SESSION",
		Short: "compare what our executor saw with what the Codex CLI tells, call by call",
		Long: `reconcile puts side by side what the ledger holds about one thread of Codex: session THREAD of our executor, which saw for itself, and what Codex
tells: its hooks (THREAD-hook), its telemetry (THREAD-otel), the output of 'codex exec --json' (THREAD-jsonl) and the rollout file (THREAD-rollout), see
'proctor codex import'. SESSION is the thread or any of these. Each call is one of

  match    who must tell of it does, and they agree
  missing  one of those that tell does not tell of it
  drift    they contradict each other: another command, another exit status, refused here and carried out there
  extra    Codex tells that it was carried out, and our executor did not see it

Exit status: 0 all match; 1 there is nothing to compare, or configuration; 2 usage; 3 something does not match; 7 the ledger cannot be opened.`,
		Example: "  proctor codex reconcile 01a22b2c-f893-7821-9d4d-12ec114ad0a7\n  proctor codex reconcile --json 01a22b2c-f893-7821-9d4d-12ec114ad0a7",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Session = args[0]
			return s.withStore(c, env, reads, func(store *app.Store, _ *config.Config) error { return app.Reconcile(c.Context(), env, store, o) })
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&o.JSON, "json", false, "print the comparison as one JSON object")
	return c
}
