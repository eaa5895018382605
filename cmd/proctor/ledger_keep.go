//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newLedgerErase(env cli.Env) *cobra.Command {
	var s settings
	var o app.EraseOptions
	c := &cobra.Command{
		Use: "erase [SESSION | --older-than AGE | --retention]", Short: "destroy the content of sessions; entries and proofs stay",
		Long: `erase destroys the key and the sensitive texts of a session, of all that ended longer ago than AGE (30m, 12h, 90d,
2w), or of all that [ledger.retention] of proctor.toml does not keep. It shows what will go and asks; where no terminal can ask,
it needs --yes. The erasure is recorded as proctor.erasure in session "system", with who asked and the reason, both in clear and for ever.
'ledger verify' and evidence files hold as before, without the texts. Beside the owner of the ledger, that one erases.

Sessions on hold and sessions that run are kept. Copies, backups, exported evidence, what exporters sent, and blocks that the file system
keeps of deleted files are not reached: see doc/retention.md.

Exit status: 0 erased, or nothing to erase; 1 no such session, on hold, not confirmed, or not gone from all files yet; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger erase 0199c1d2-7f00-7000-8000-000000000001 --reason 'request 4711 of the data subject'
  proctor ledger erase --older-than 90d --dry-run
  proctor ledger erase --retention --yes --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Session = args[0]
			}
			chosen := 0
			for _, one := range []bool{len(args) == 1, c.Flags().Changed("older-than"), o.Retention} {
				if one {
					chosen++
				}
			}
			if chosen != 1 {
				return usage("erase needs one of a session id, --older-than and --retention; 'proctor ledger ls' lists sessions")
			}
			return s.withStore(c, env, writes, func(store *app.Store, cfg *config.Config) error { return app.Erase(c.Context(), env, store, cfg, o) })
		},
	}
	f := c.Flags()
	s.bind(f)
	f.StringVar(&o.OlderThan, "older-than", "", "all sessions that ended longer ago than `AGE`")
	f.BoolVar(&o.Retention, "retention", false, "all that [ledger.retention] does not keep")
	f.StringVar(&o.Reason, "reason", "", "`TEXT` that is recorded with the erasure")
	f.StringVar(&o.As, "as", "", "`NAME` of who asks; the account of this process by default")
	f.BoolVar(&o.Yes, "yes", false, "do not ask")
	f.BoolVar(&o.DryRun, "dry-run", false, "show what would go")
	f.BoolVar(&o.JSON, "json", false, "print the result as JSON")
	return c
}

func newLedgerHold(env cli.Env) *cobra.Command {
	var s settings
	var o app.HoldOptions
	c := &cobra.Command{
		Use: "hold [SESSION --reason TEXT]", Short: "keep a session from being erased, or list the holds",
		Long: `hold keeps the content of a session until 'proctor ledger release': neither erase nor retention touches it. It is recorded as
proctor.hold_placed in session "system", with who asked and the reason, in clear and for ever. Without a session it lists the holds in force.

Exit status: 0 on hold, or listed; 1 no such session; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger hold 0199c1d2-7f00-7000-8000-000000000001 --reason 'case 2026-117'
  proctor ledger hold --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				if o.Reason != "" || o.As != "" {
					return usage("hold with --reason or --as needs a session id; 'proctor ledger ls' lists sessions")
				}
				return s.withStore(c, env, reads, func(store *app.Store, _ *config.Config) error { return app.ListHolds(c.Context(), env, store, o.JSON) })
			}
			o.Session = args[0]
			return s.withStore(c, env, writes, func(store *app.Store, _ *config.Config) error { return app.HoldSession(c.Context(), env, store, o) })
		},
	}
	s.bind(c.Flags())
	bindHold(c, &o)
	return c
}

func newLedgerRelease(env cli.Env) *cobra.Command {
	var o app.HoldOptions
	c := &cobra.Command{
		Use: "release SESSION", Short: "end the hold of a session",
		Long: `release ends a hold, so that erase and retention may touch the session again. It is recorded as proctor.hold_released.

Exit status: 0 released; 1 the session is not on hold; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor ledger release 0199c1d2-7f00-7000-8000-000000000001 --reason 'case closed'",
		Args:    cobra.ExactArgs(1),
	}
	bindHold(c, &o)
	return storeCommand(env, c, writes, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		o.Session = args[0]
		return app.ReleaseSession(ctx, env, s, o)
	})
}

func bindHold(c *cobra.Command, o *app.HoldOptions) {
	f := c.Flags()
	f.StringVar(&o.Reason, "reason", "", "`TEXT` that is recorded with it")
	f.StringVar(&o.As, "as", "", "`NAME` of who asks; the account of this process by default")
	f.BoolVar(&o.JSON, "json", false, "print JSON")
}
