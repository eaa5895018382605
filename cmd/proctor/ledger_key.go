//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newLedgerKey(env cli.Env) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use: "key", Args: cobra.NoArgs, Short: "print the public key that checkpoints are signed with, and those before it",
		Long: `key prints the key in force on the first line, as evidence is checked with it; behind it the keys that were rotated away, each with the
entry that did so.

Exit status: 0 printed; 1 unreadable; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor ledger key | head -1 > proctor.key\n  proctor ledger key --json | jq -r '.past[].old_key'",
	}
	c.Flags().BoolVar(&json, "json", false, "print JSON")
	c = storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, _ []string) error {
		return app.Keys(ctx, env, s, json)
	})
	c.AddCommand(newLedgerKeyRotate(env))
	return c
}

func newLedgerKeyRotate(env cli.Env) *cobra.Command {
	var o app.RotateOptions
	c := &cobra.Command{
		Use: "rotate", Args: cobra.NoArgs, Short: "sign with a new key from now on",
		Long: `rotate makes a new signing key, records it as proctor.key_rotated in session "system", has the old key sign the checkpoint that
covers that entry, and destroys the old one. Verify and evidence files follow the keys from the first; who knows an old key can check
evidence signed with a newer one. What ends on the way is completed by the next command that owns the ledger.

Exit status: 0 rotated; 1 not rotated, or not signed yet; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor ledger key rotate --reason 'yearly'\n  proctor ledger key rotate --json | jq -r .new_key",
	}
	f := c.Flags()
	f.StringVar(&o.Reason, "reason", "", "`TEXT` that is recorded with it, in clear and for ever")
	f.StringVar(&o.As, "as", "", "`NAME` of who asks; the account of this process by default")
	f.BoolVar(&o.JSON, "json", false, "print JSON")
	return storeCommand(env, c, writes, func(ctx context.Context, s *app.Store, _ *config.Config, _ []string) error {
		return app.RotateKey(ctx, env, s, o)
	})
}
