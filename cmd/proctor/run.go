//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newRun(env cli.Env) *cobra.Command {
	var o app.RunOptions
	c := forCommand(&cobra.Command{
		Use:   "run [flags] [--] COMMAND...",
		Short: "run one command under supervision, without a model",
		Long: `run decides about COMMAND as it would about a tool call of an agent, records the decision before anything
runs, confines it, and records what it printed, what it was refused and how it ended. Standard input, output and error are
those of the command: a terminal stays a terminal. With --json standard output has the lines of 'exec --json' instead.

What the approval policy asks about is asked in the terminal, before COMMAND gets it, when standard input and standard error
are one and --json is not given. Without a terminal it is refused, unless the automatic reviewer is on.
SIGINT and SIGTERM are passed on; a command that does not end within ten seconds of one is killed.

Exit status: that of COMMAND, 128 plus the signal when one ended it; 1 configuration; 2 usage; 3 refused by policy, or
--fail-on found something; 6 sandbox unavailable; 7 evidence could not be made durable; 127 no such program. A line
on standard error that begins with "proctor:" or REFUSED tells ours from that of COMMAND.`,
		Example: `  proctor run -s workspace-write -- make test
  proctor run -a untrusted -- npm publish
  proctor run -s read-only --fail-on sandbox -- ./untrusted-script.sh
  proctor run --json -- npm ci > run.jsonl`,
	}, env, func(ctx context.Context, co config.Options, args []string) error {
		if err := checkFailOn(o.FailOn); err != nil {
			return err
		}
		o.Config, o.Argv = co, args // not Headless, which turns every policy into never: what would be asked is refused instead
		return app.Run(ctx, env, o)
	})
	f := c.Flags()
	bindIgnoreRules(f, &o.IgnoreRules)
	f.BoolVar(&o.JSON, "json", false, "print events as JSON lines instead of the command's output")
	f.BoolVar(&o.LogDenials, "log-denials", false, "print what the sandbox refused, on standard error")
	f.BoolVar(&o.Unrecorded, "no-record-output", false, "leave the command's output out of the ledger")
	bindEvents(f, &o.EventsFile)
	bindFailOn(f, &o.FailOn)
	return c
}
