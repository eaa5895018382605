//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newExplain(env cli.Env) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "explain EVENT",
		Short: "say why a recorded call was allowed or refused",
		Long: `explain takes an event of a call (its id, a beginning of the id, or its sequence in the ledger) and shows what
led to the verdict, step by step. Each decision of the call is made again from the facts that were recorded with it
and compared, with the settings of that time and what would have changed the answer.

Exit status: 0 explained; 1 no such event, or one of no call; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor explain 42
  proctor explain 01a207ab-9f1f-7ca2-b329-c847928d2424
  proctor explain --json 42 | jq '.decisions[].recorded.reproduced'`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&json, "json", false, "one JSON object")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		return app.Explain(ctx, env, s, args[0], json)
	})
}
