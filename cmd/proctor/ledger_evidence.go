//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newLedgerVerify(env cli.Env) *cobra.Command {
	var s settings
	var o app.VerifyOptions
	c := &cobra.Command{
		Use: "verify [FILE]", Short: "recompute every hash and check that nothing is missing",
		Long: `verify reads the whole ledger: leaf hashes, tree, checkpoint signatures, dense sequences, contents
against their commitments, actions without a decision. With FILE it checks an evidence file, and needs no ledger: that file
alone, and the key that you know its ledger by. With --checkpoints it also compares what was signed and kept elsewhere: that shows
a ledger that was rolled back, or copies that went on differently with one key. With --witnesses, as many witnesses as [ledger.witness] asks for
must have cosigned the newest checkpoint, or one that leaves out only what was recorded in the last minutes; for FILE, all of --witness. Stored time-stamps
are checked, and with --ca the certificates of their authorities must lead to a root in that file.

A verification that finds no error is remembered, and --since-last begins where it ended: it reads what came after the newest checkpoint that was
verified, and the sessions that go on in there, and checks that the tree below is still the signed one. A bit that changed further below is only
found when all is read, so do that too from time to time. What is remembered lies beside the record and is no part of it.

With --quick it hashes every entry again and compares the whole tree, the checkpoints and their signatures, in a fraction of the time. That finds every
change of an entry. It does not check contents, payloads, the indexes by id and session, whether sessions are complete, or holds and erasures,
says so, and is not remembered.

Exit status: 0 all holds; 1 FILE is no evidence file; 2 usage; 3 something does not hold; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger verify
  proctor ledger verify --quick
  proctor ledger verify --json
  proctor ledger verify --since-last
  proctor ledger verify --checkpoints /mnt/elsewhere/checkpoints
  proctor ledger verify --witnesses
  proctor ledger verify run.evidence --key "$(cat auditor/proctor.key)"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.File = args[0]
			}
			switch {
			case o.Quick && (o.SinceLast || o.File != ""):
				return usage("--quick goes with the whole ledger: --since-last goes on from a verification that checked everything, and an evidence file is small")
			case o.SinceLast && (o.File != "" || o.Demand):
				return usage("--since-last goes with the ledger and without --witnesses: an evidence file, and what must be cosigned, is always checked as a whole")
			case o.File != "" && o.Checkpoints != "":
				return usage("--checkpoints goes with the ledger, not with an evidence file")
			case o.File != "":
				return app.VerifyEvidence(env, o)
			case o.Key != "":
				return usage("--key goes with an evidence file; a ledger has its own key")
			}
			return s.withStore(c, env, reads, func(store *app.Store, cfg *config.Config) error { return app.Verify(c.Context(), env, store, cfg, o) })
		},
	}
	f := c.Flags()
	s.bind(f)
	f.BoolVar(&o.JSON, "json", false, "print the report as JSON")
	f.BoolVar(&o.SinceLast, "since-last", false, "read only what came after the last verification")
	f.BoolVar(&o.Quick, "quick", false, "only entries, tree and signatures: no contents, indexes and sessions")
	f.StringVar(&o.Checkpoints, "checkpoints", "", "compare with `FILE`: a copy of the ledger's checkpoints, a signed note, or an evidence file")
	f.StringVar(&o.Key, "key", "", "FILE must be signed with `KEY`, as 'proctor ledger key' prints it, or one that it was rotated to")
	f.StringArrayVar(&o.Keys, "witness", nil, "check the cosignatures of the witness with `VKEY`, besides those of [ledger.witness]; may be repeated")
	f.BoolVar(&o.Demand, "witnesses", false, "cosignatures are demanded")
	f.StringVar(&o.CA, "ca", "", "time-stamps must lead to a root in `FILE`, PEM, instead of trying the system's")
	return c
}

func newLedgerExport(env cli.Env) *cobra.Command {
	var s settings
	var o app.EvidenceOptions
	c := &cobra.Command{
		Use: "export [SESSION]", Short: "write the evidence file of a session",
		Long: `export writes one file that proves a session to somebody who has nothing else: its entries, the proof that each is
in the signed tree, the signed checkpoint, the public key, time-stamps if there are any, and the texts unless --redact leaves them out.
'proctor ledger verify FILE' checks it, 'proctor replay --evidence FILE' shows it, doc/evidence-format.md describes it.

Exit status: 0 written; 1 no such session, not signed yet, or FILE exists; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor ledger export --last -o run.evidence
  proctor ledger export --last --redact -o - | gzip > run.evidence.gz`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.Last == (len(args) == 1) {
				return usage("export needs a session id or --last; 'proctor ledger ls' lists sessions")
			}
			if len(args) == 1 {
				o.Session = args[0]
			}
			return s.withStore(c, env, reads, func(store *app.Store, _ *config.Config) error { return app.ExportEvidence(c.Context(), env, store, o) })
		},
	}
	f := c.Flags()
	s.bind(f)
	f.BoolVar(&o.Last, "last", false, "the newest session")
	f.StringVarP(&o.Output, "output", "o", "-", "`FILE` to make; - is standard output")
	f.BoolVar(&o.JSON, "json", false, "print what was written as JSON; needs --output")
	f.BoolVar(&o.Redact, "redact", false, "leave the sensitive texts out; what the entries commit to stays")
	return c
}

func newLedgerProve(env cli.Env) *cobra.Command {
	var o app.EvidenceOptions
	c := &cobra.Command{
		Use: "prove EVENT", Short: "prove that one entry is in the signed tree",
		Long: `prove writes the evidence of one entry, named by its sequence, its event id or a beginning of that. It proves that the
entry is in the ledger, and nothing about what came before or after it.

Exit status: 0 written; 1 no such entry, not signed yet, or FILE exists; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor ledger prove 42 -o entry.evidence\n  proctor ledger prove 42 | proctor ledger verify -",
		Args:    cobra.ExactArgs(1),
	}
	f := c.Flags()
	f.StringVarP(&o.Output, "output", "o", "-", "`FILE` to make; - is standard output")
	f.BoolVar(&o.JSON, "json", false, "print what was written as JSON; needs --output")
	f.BoolVar(&o.Redact, "redact", false, "leave the sensitive texts out")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		return app.ProveEntry(ctx, env, s, args[0], o)
	})
}

func newLedgerShow(env cli.Env) *cobra.Command {
	var redact bool
	c := &cobra.Command{
		Use: "show EVENT", Short: "print one entry",
		Long: `show prints one entry as JSON, named by its sequence, its event id or a beginning of that, with the texts that it commits to.

Exit status: 0 printed; 1 no such entry; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor ledger show 42 | jq .payload",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&redact, "redact", false, "no sensitive text")
	c.Flags().Bool("json", false, "print JSON, as it does anyway")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		return app.ShowEntry(ctx, env, s, args[0], redact)
	})
}
