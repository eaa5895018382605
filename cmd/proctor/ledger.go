//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newLedger(env cli.Env) *cobra.Command {
	return group("ledger", "read, verify and keep the record", newLedgerLs(env), newLedgerShow(env), newLedgerVerify(env), newLedgerProve(env),
		newLedgerExport(env), newLedgerKey(env), newLedgerErase(env), newLedgerHold(env), newLedgerRelease(env),
		newLedgerBackup(env), newLedgerRestore(env), newLedgerMigrate(env))
}

// storeCommand is a command that opens the ledger and reads.
func storeCommand(env cli.Env, c *cobra.Command, run func(context.Context, *app.Store) error) *cobra.Command {
	var s settings
	s.bind(c.Flags())
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		store, _, done, err := s.openReading(c, env)
		if err != nil {
			return err
		}
		defer done(&err)
		return run(c.Context(), store)
	}
	return c
}

func newLedgerLs(env cli.Env) *cobra.Command {
	var json bool
	c := &cobra.Command{Use: "ls", Short: "list sessions", Example: "  proctor ledger ls\n  proctor ledger ls --json | jq .status"}
	c.Flags().BoolVar(&json, "json", false, "one session a line")
	return storeCommand(env, c, func(ctx context.Context, s *app.Store) error { return app.List(ctx, env, s, json) })
}

func newLedgerKey(env cli.Env) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "print the public key that checkpoints are signed with", Example: "  proctor ledger key"}
	return storeCommand(env, c, func(_ context.Context, s *app.Store) error { return app.Key(env, s) })
}
