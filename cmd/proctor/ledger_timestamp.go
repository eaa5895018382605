//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newLedgerTimestamp(env cli.Env) *cobra.Command {
	var o app.TimestampOptions
	c := &cobra.Command{
		Use: "timestamp [URL]", Args: cobra.MaximumNArgs(1), Short: "have the newest checkpoint time-stamped by an authority",
		Long: `timestamp asks a time-stamping authority, by RFC 3161, to sign the hash of the newest signed checkpoint and the time. So whoever trusts the
authority sees that the record up to there was not made later. The token is checked and stored beside the checkpoint; verify reports it, and
evidence files carry the earliest that covers them. It works beside the owner, and then takes the newest checkpoint that the owner signed. The
authority gets a hash, and nothing of the record.

Anybody can make a certificate that says it is an authority's. With --ca it must lead to a root in that file, or nothing is stored; without,
the roots of the system are tried, and the output says what came of it. Whether a certificate was revoked is not asked.

--token writes the token, and the checkpoint that it is over beside it, for other verifiers; without URL, those that were stored last:

    openssl ts -verify -data FILE.note -in FILE -token_in -CAfile ROOT.pem

Exit status: 0 time-stamped; 1 not, and why, or FILE exists; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger timestamp https://tsa.example/ --ca tsa-root.pem
  proctor ledger timestamp https://tsa.example/ --json | jq .time
  proctor ledger timestamp --token run.tst --ca tsa-root.pem`,
	}
	f := c.Flags()
	f.StringVar(&o.CA, "ca", "", "the authority's certificate must lead to a root in `FILE`, PEM, instead of trying the system's")
	f.StringVar(&o.Token, "token", "", "make `FILE` of the newest token, and FILE.note of its checkpoint")
	f.BoolVar(&o.JSON, "json", false, "print JSON")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		if len(args) == 1 {
			o.URL = args[0]
		} else if o.Token == "" {
			return usage("name the address of an authority, or with --token a file for the newest token")
		}
		return app.TimestampLedger(ctx, env, s, o)
	})
}
