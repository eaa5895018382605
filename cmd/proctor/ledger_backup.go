//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newLedgerBackup(env cli.Env) *cobra.Command {
	var s settings
	var json bool
	c := &cobra.Command{
		Use: "backup DIR", Short: "copy the ledger into a folder of backups, also while it is written",
		Long: `backup copies the ledger, as it is at one moment, into a new folder below DIR that is named after the time. It works beside
the owner and disturbs nobody. Tables that the newest backup in DIR has too are hard links to it, so that each backup is whole
and costs what is new. The copy is opened and compared before it counts.

A backup holds the keys of the ledger: keep it as you keep the ledger. What is erased later stays in older backups; delete them.

Exit status: 0 copied; 1 configuration; 2 usage; 7 the ledger cannot be read, or the copy not written.`,
		Example: "  proctor ledger backup /mnt/backup/proctor\n  proctor ledger backup /mnt/backup/proctor --json | jq .entries",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s.ignoreUserConfig = true
			return app.Backup(c.Context(), env, s.options(env), args[0], json)
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&json, "json", false, "print what was copied as JSON")
	return c
}

func newLedgerRestore(env cli.Env) *cobra.Command {
	var s settings
	var json bool
	c := &cobra.Command{
		Use: "restore DIR", Short: "make a backup the ledger, where none is",
		Long: `restore copies the newest backup below DIR, or the backup DIR itself, to where the ledger belongs, and refuses when anything is
there. Every file is checked against its SHA-256, and the tree against the root that the backup names.

Exit status: 0 restored; 1 no backup, damaged, of a newer version, or something is there; 2 usage.`,
		Example: "  PROCTOR_HOME=/srv/new proctor ledger restore /mnt/backup/proctor",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s.ignoreUserConfig = true
			return app.Restore(c.Context(), env, s.options(env), args[0], json)
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&json, "json", false, "print what was restored as JSON")
	return c
}

func newLedgerMigrate(env cli.Env) *cobra.Command {
	var s settings
	var dryRun, json bool
	c := &cobra.Command{
		Use: "migrate [--dry-run]", Short: "bring the ledger to this program's format",
		Long: `migrate brings a ledger of an older format to the one that this program writes. Until then it is read and written in its own format. Nothing
that is recorded changes: format 2 lets texts be packed before they are encrypted, format 3 keeps more hashes of the tree, so that proofs are
built sooner; these are added. Programs that know no newer format than the old one refuse the ledger afterwards. One of a newer format is refused, with both named.

Exit status: 0 done, or nothing to do; 2 usage; 7 no ledger, one in use, or of a format that this program does not know.`,
		Example: "  proctor ledger migrate --dry-run\n  proctor ledger migrate",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s.ignoreUserConfig = true
			return app.Migrate(env, s.options(env), dryRun, json)
		},
	}
	s.bind(c.Flags())
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say whether it is needed")
	c.Flags().BoolVar(&json, "json", false, "print JSON")
	return c
}
