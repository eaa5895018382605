//go:build !lean

package main

import (
	"os"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newCodexHook(env cli.Env) *cobra.Command {
	var o app.CodexHookOptions
	c := &cobra.Command{
		Use:   "hook",
		Short: "answer a hook of the Codex CLI: record it, and decide by our policy",
		Long: `hook is the one command for all hook events of Codex; 'proctor codex install --hooks' writes it into its configuration. It reads one
payload from standard input, has it recorded in session THREAD-hook of the ledger, and answers:

  PreToolUse          what our policy and rules forbid is denied; the rest is left to Codex
  PermissionRequest   allowed or denied where our policy decides; what must be asked is left to the reviewer of Codex
  all others          are recorded

Codex goes on when a hook fails. So every error, a locked ledger, a full disk and a late decision are well-formed objections: exit
status 2 with a text for PreToolUse, JSON that denies for the others. The answer is there after four fifths of the time that Codex gives,
60 s unless --timeout says otherwise, and after half of the 3 s for SessionEnd and Interrupt.

While 'proctor serve' or 'proctor codex exec-server' runs, it decides, and the hook is fast; else each hook opens the ledger.

Exit status: 0 answered on standard output; 2 denied, the reason is on standard error; 1 could not be recorded, for events that
nothing waits on.`,
		Example: "  proctor codex hook\n  proctor codex hook --timeout 30s",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Timeout < 0 {
				return usage("--timeout %v: expected a time above zero", o.Timeout)
			}
			o.Exit = os.Exit
			if status := app.CodexHook(c.Context(), env, o); status != 0 {
				return cli.Fail(cli.Exit(status), cli.Silent(status))
			}
			return nil
		},
	}
	c.Flags().DurationVar(&o.Timeout, "timeout", 0, "the `TIME` that Codex gives this hook, as 30s")
	return c
}
