//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newLedger(env cli.Env) *cobra.Command {
	return group("ledger", "read, verify and keep the record", newLedgerLs(env), newLedgerShow(env), newLedgerVerify(env), newLedgerProve(env),
		newLedgerExport(env), newLedgerKey(env), newLedgerErase(env), newLedgerHold(env), newLedgerRelease(env),
		newLedgerBackup(env), newLedgerRestore(env), newLedgerMigrate(env), newLedgerStats(env), newLedgerWitness(env), newLedgerTimestamp(env))
}

// tableSessions is how many sessions a table shows that nobody asked to be longer.
const tableSessions = 100

func newLedgerLs(env cli.Env) *cobra.Command {
	var o app.SearchOptions
	c := &cobra.Command{
		Use: "ls", Args: cobra.NoArgs, Short: "list sessions, or the entries that fit conditions",
		Long: `ls lists the sessions, in a table the newest 100 unless --limit says otherwise: each is read to be summed up. With --where it lists
entries that fit every condition: FIELD OP VALUE, "and" between them.

FIELD is kind, session, word (of a command line), path (that one or anything below it), host, rule, decision (allow, forbid, approved, denied, ...)
or time. OP is = or != or ~ (contains, whatever the case), and for time < <= > >=. VALUE may be quoted. A time is a date, a date with a
time, RFC 3339, or an age such as 2h, which means so long ago. An index finds what = asks for; the other operators compare what is left.

Exit status: 0 listed, also nothing; 1 unreadable; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger ls --json | jq .status
  proctor ledger ls --where 'word = curl and time > 7d'
  proctor ledger ls --where 'decision = forbid' --where 'path = /etc' --limit 20
  proctor ledger ls --where 'kind = network_proxy.policy_decision host ~ example.com' --json`,
	}
	c.Flags().BoolVar(&o.JSON, "json", false, "one session, or entry, a line")
	c.Flags().StringArrayVar(&o.Where, "where", nil, "list entries that fit `CONDITIONS`; may be repeated")
	c.Flags().IntVar(&o.Limit, "limit", 0, "at most `N` entries, or the newest N sessions; 0 is all")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, _ []string) error {
		switch {
		case o.Limit < 0:
			return usage("--limit %d: expected 0 or more", o.Limit)
		case len(o.Where) > 0:
			return app.Search(ctx, env, s, o)
		case !o.JSON && !c.Flags().Changed("limit"):
			o.Limit = tableSessions
		}
		return app.List(ctx, env, s, o.Limit, o.JSON)
	})
}

func newLedgerStats(env cli.Env) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use: "stats", Args: cobra.NoArgs, Short: "how much is in the ledger, on disk, and how it grows",
		Long: `stats sums up the ledger: entries and sessions, what is signed, bytes on disk by kind of data, and what came in during the last days.

Exit status: 0 printed; 1 unreadable; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor ledger stats\n  proctor ledger stats --json | jq .disk",
	}
	c.Flags().BoolVar(&json, "json", false, "print JSON")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, _ []string) error {
		return app.Stats(ctx, env, s, json)
	})
}
