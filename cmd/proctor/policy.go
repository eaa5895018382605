package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/unrecorded"
)

func newPolicy(env cli.Env) *cobra.Command {
	return group("policy", "decisions without running anything", newPolicyCheck(env), newPolicyExplain(env), newPolicyEgress(env), newPolicyTest(env))
}

func newPolicyCheck(env cli.Env) *cobra.Command {
	var s settings
	var o unrecorded.CheckOptions
	c := &cobra.Command{
		Use:   "check [--rules FILE]... [flags] [--] COMMAND...",
		Short: "say which execution rules match a command",
		Long: `check prints the rules that match a command and the strictest decision, as JSON in the form of
'codex execpolicy check'. The command is matched as it is written: shell scripts are not taken apart and
nothing is decided where no rule matches; 'proctor policy explain' does both.

Without --rules the rules of the configuration are used, managed ones included, and programs named by a path match
the rules of their base name, as in a session.

Exit status: 0 the rules were read, whatever they decide; 1 a rules file or the configuration is refused; 2 usage.`,
		Example: `  proctor policy check --rules team.rules -- git push origin main
  proctor policy check --rules base.rules --rules team.rules --pretty -- npm install
  proctor policy check --rules team.rules --resolve-host-executables -- /usr/bin/git status
  proctor policy check -- git push`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Config, o.Command = s.options(env), args
			return unrecorded.PolicyCheck(env, o)
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	s.bind(f)
	f.StringArrayVarP(&o.Rules, "rules", "r", nil, "read rules from `FILE`; may be repeated")
	_ = c.MarkFlagFilename("rules", "rules")
	f.BoolVar(&o.Pretty, "pretty", false, "indent the JSON")
	f.BoolVar(&o.Resolve, "resolve-host-executables", false, "a path matches rules of its base name, if host_executable() does not exclude it")
	return c
}

func newPolicyExplain(env cli.Env) *cobra.Command {
	var o unrecorded.PolicyExplainOptions
	c := forCommand(&cobra.Command{
		Use:   "explain [flags] [--] COMMAND...",
		Short: "say what would be decided about a command, why, and what would change it",
		Long: `explain decides about COMMAND as a run with the same flags would, without running it: how the command is taken
apart, the class of each part with what raised it, the rules that match with file and line, the settings that decided
with the place where each was written, and every single change after which the answer would be another, found by
deciding again. One argument with blanks is shell text, as a model writes it.

As in 'proctor exec' nobody can be asked; --interactive assumes a person.

Exit status: 0 explained, whatever the decision; 1 the configuration or a rules file is refused; 2 usage.`,
		Example: `  proctor policy explain -- git push origin main
  proctor policy explain -s read-only -a on-request --interactive 'make && rm -rf build'
  proctor policy explain --json -- npm install | jq .changes`,
	}, env, func(_ context.Context, co config.Options, args []string) error {
		o.Config, o.Command = co, args
		o.Config.Headless = !o.Interactive
		return unrecorded.PolicyExplain(env, o)
	})
	f := c.Flags()
	f.BoolVar(&o.JSON, "json", false, "one JSON object")
	f.BoolVar(&o.Interactive, "interactive", false, "a person can be asked")
	f.BoolVar(&o.Escalated, "escalated", false, "the call asks to run outside the sandbox, with a justification")
	bindIgnoreRules(f, &o.IgnoreRules)
	return c
}

func newPolicyTest(env cli.Env) *cobra.Command {
	var json bool
	test := &cobra.Command{
		Use: "test FILE...", Short: "run case files against the decisions of this version",
		Long: `test reads cases, one JSON object a line, and compares what this version decides with what the
case expects: commands, rules, network access, configuration, reviews. A folder stands for the .jsonl files
below it, '-' for standard input. Nothing is run and nothing outside is touched. doc/policy.md has the format.

Failures and a summary are printed; with --json one result a line, passed ones too.

Exit status: 0 all pass; 2 a file cannot be read; 3 some fail.`,
		Example: `  proctor policy test cases.jsonl
  proctor policy test policy/cases
  proctor policy test --json - < cases.jsonl | jq -c 'select(.pass | not)'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return unrecorded.PolicyTest(env, args, json) },
	}
	test.ValidArgsFunction = cobra.FixedCompletions([]string{"jsonl"}, cobra.ShellCompDirectiveFilterFileExt)
	test.Flags().BoolVar(&json, "json", false, "one result a line")
	return test
}
