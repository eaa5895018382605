//go:build !lean

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

func newApprovals(env cli.Env) *cobra.Command {
	c := group("approvals", "answer what agents ask, and see what was granted", newApprovalsLs(env), newApprovalsShow(env), newApprovalsApprove(env),
		newApprovalsDeny(env), newApprovalsOverride(env), newApprovalsGrants(env), newApprovalsRevoke(env))
	c.Long = `approvals is for the person who answers from another terminal. A run waits for that when approvals_reviewer = "user" is
written in its configuration, its approval policy may ask, and 'proctor serve' has the ledger; a run that asks in its own
terminal can be answered from here too. doc/approvals.md tells it whole.

Exit status: 0 done; 1 the answer does not count (too late, another action, nobody waits); 2 usage; 7 the ledger cannot be opened.`
	c.Example = `  proctor approvals ls
  proctor approvals show 3f6c
  proctor approvals approve 3f6c --session
  proctor approvals deny 3f6c --reason "use make test"`
	return c
}

// answerFlags are those of whoever answers.
func answerFlags(c *cobra.Command, o *app.Answer) {
	f := c.Flags()
	f.StringVar(&o.As, "as", "", "`NAME` of the person who answers; default: this account")
	f.StringVar(&o.Why, "reason", "", "`TEXT` for the record, and for the agent when it is refused")
	f.BoolVar(&o.JSON, "json", false, "print the result as JSON")
}

func newApprovalsLs(env cli.Env) *cobra.Command {
	var all, json bool
	c := &cobra.Command{
		Use: "ls", Short: "list what waits for an answer", Args: cobra.NoArgs,
		Long:    "ls lists the requests that wait for a person, oldest first.\n\nExit status: 0 listed, also when nothing waits; 7 the ledger cannot be opened.",
		Example: "  proctor approvals ls\n  proctor approvals ls --all --json | jq .status",
	}
	c.Flags().BoolVar(&all, "all", false, "every request of every session, answered ones too")
	c.Flags().BoolVar(&json, "json", false, "one request a line")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, _ []string) error {
		return app.ListApprovals(ctx, env, s, all, json)
	})
}

func newApprovalsShow(env cli.Env) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use: "show ID", Short: "show one request", Args: cobra.ExactArgs(1),
		Long: `show prints everything that an approval would be about: the action and its digest, the folder, why it is asked, what is known of its
risk, and what can be allowed for how long. ID is that of the approval, its first digits, or the id of an event about it.

Exit status: 0 shown; 1 no such request; 7 the ledger cannot be opened.`,
		Example: "  proctor approvals show 3f6c\n  proctor approvals show 3f6c --json | jq .action",
	}
	c.Flags().BoolVar(&json, "json", false, "print it as JSON")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		return app.ShowApproval(ctx, env, s, args[0], json)
	})
}

func newApprovalsApprove(env cli.Env) *cobra.Command {
	o := app.Answer{Approve: true, Scope: "once"}
	var once, session, rule bool
	c := &cobra.Command{
		Use: "approve ID", Short: "let the action run", Args: cobra.ExactArgs(1),
		Long: `approve records your approval in the session that waits, bound to the digest of the action. Name the digest you looked at with
--digest (8 digits are enough), or confirm what is shown. Where two people must approve, the second approval counts.

Exit status: 0 recorded; 1 it does not count: answered already, too late, another action, nobody waits; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor approvals approve 3f6c
  proctor approvals approve 3f6c --session --digest 510ad307
  proctor approvals approve 3f6c --rule --as ann --reason "reviewed with bob"`,
	}
	f := c.Flags()
	f.BoolVar(&once, "once", false, "this call only (the default)")
	f.BoolVar(&session, "session", false, "the same action for the rest of the session")
	f.BoolVar(&rule, "rule", false, "add the rule that is shown, for later sessions too")
	f.StringVar(&o.Digest, "digest", "", "beginning of the `DIGEST` that you looked at, instead of a confirmation")
	c.MarkFlagsMutuallyExclusive("once", "session", "rule")
	answerFlags(c, &o)
	return storeCommand(env, c, writes, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		switch {
		case session:
			o.Scope = "session"
		case rule:
			o.Scope = "amendment"
		}
		return app.AnswerApproval(ctx, env, s, args[0], o)
	})
}

func newApprovalsDeny(env cli.Env) *cobra.Command {
	var o app.Answer
	c := &cobra.Command{
		Use: "deny ID", Short: "refuse the action", Args: cobra.ExactArgs(1),
		Long: `deny refuses: one refusal is enough, however many people must approve. The agent is told the reason.

Exit status: 0 recorded; 1 it does not count: answered already, too late, nobody waits; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor approvals deny 3f6c\n  proctor approvals deny 3f6c --reason \"write it into the build folder\"",
	}
	answerFlags(c, &o)
	return storeCommand(env, c, writes, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		return app.AnswerApproval(ctx, env, s, args[0], o)
	})
}

func newApprovalsOverride(env cli.Env) *cobra.Command {
	var o app.Answer
	c := &cobra.Command{
		Use: "override ID", Short: "permit once what a review did not approve", Args: cobra.ExactArgs(1),
		Long: `override lets one call of the same session do exactly the action that a reviewer refused, or did not answer in time: same digest, once,
for a while. ID is that of the approval, or of an event about it. A session that has ended uses it when it is resumed. What a
rule, a requirement or the approval policy forbids, and what was rated as of critical risk, cannot be overridden.

Exit status: 0 recorded; 1 there is nothing to override, or it may not be; 2 usage; 7 the ledger cannot be opened.`,
		Example: `  proctor approvals override 3f6c --digest 510ad307 --reason "agreed with ann"
  proctor exec resume --last "the action was permitted, try it again"`,
	}
	c.Flags().StringVar(&o.Digest, "digest", "", "beginning of the `DIGEST` that you looked at, instead of a confirmation")
	c.Flags().DurationVar(&o.For, "for", 10*time.Minute, "how long it may wait to be used, at most 1h")
	answerFlags(c, &o)
	return storeCommand(env, c, writes, func(ctx context.Context, s *app.Store, _ *config.Config, args []string) error {
		return app.OverrideApproval(ctx, env, s, args[0], o)
	})
}

func newApprovalsGrants(env cli.Env) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use: "grants", Short: "list what was granted for more than one call", Args: cobra.NoArgs,
		Long: `grants lists approvals for a session, permissions that are held, overrides that were not used, and the rules in
$CODEX_HOME/rules/default.rules with the approval that added them. Those of a session that has ended count when it is resumed.

Exit status: 0 listed, also when there is none; 7 the ledger cannot be opened.`,
		Example: "  proctor approvals grants\n  proctor approvals grants --json | jq -r 'select(.kind==\"rule\").rule'",
	}
	c.Flags().BoolVar(&json, "json", false, "one grant a line")
	return storeCommand(env, c, reads, func(ctx context.Context, s *app.Store, cfg *config.Config, _ []string) error {
		return app.ListGrants(ctx, env, s, cfg, json)
	})
}

func newApprovalsRevoke(env cli.Env) *cobra.Command {
	var o app.Answer
	c := &cobra.Command{
		Use: "revoke ID", Short: "take a grant back", Args: cobra.ExactArgs(1),
		Long: `revoke records that a grant ends, then ends it. A session that runs asks again from its next call on; a rule's line is removed from
its file, and counts for nobody who starts later. ID is the first column of grants.

Exit status: 0 revoked; 1 nothing with that id is in force; 2 usage; 7 the ledger cannot be opened.`,
		Example: "  proctor approvals revoke 3f6c\n  proctor approvals revoke line:4 --reason \"too wide\"",
	}
	answerFlags(c, &o)
	return storeCommand(env, c, writes, func(ctx context.Context, s *app.Store, cfg *config.Config, args []string) error {
		return app.RevokeGrant(ctx, env, s, cfg, args[0], o)
	})
}
