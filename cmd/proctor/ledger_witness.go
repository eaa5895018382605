//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newLedgerWitness(env cli.Env) *cobra.Command {
	var o app.AskOptions
	c := &cobra.Command{
		Use: "witness [URL]", Args: cobra.MaximumNArgs(1), Short: "have the newest checkpoint cosigned by a witness",
		Long: `witness asks a witness, by the protocol of C2SP tlog-witness, to cosign the newest signed checkpoint. The witness remembers what it cosigned
and refuses what does not go on from there; so nobody, with whatever key, can show two histories that it both signed. The cosignature
is checked and stored beside the checkpoint; verify and evidence files show it. It works beside the owner.

Without URL it asks those of [ledger.witness] in proctor.toml, as the owner of the ledger does after each checkpoint. The witness must know the
ledger: give whoever runs it 'proctor ledger key'.

Exit status: 0 cosigned by all; 1 not cosigned, and why; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger witness https://witness.example/ --key witness.example+1234abcd+BA...
  proctor ledger witness --json | jq .results[].cosignatures`,
	}
	f := c.Flags()
	f.StringArrayVar(&o.Keys, "key", nil, "the witness signs with `VKEY`, besides those of [ledger.witness]; may be repeated")
	f.BoolVar(&o.JSON, "json", false, "print JSON")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		o.URLs = args
		return app.AskWitnesses(ctx, env, s, o)
	})
}
