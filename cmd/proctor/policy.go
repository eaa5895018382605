package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
)

func newPolicy(env app.Env) *cobra.Command {
	var json bool
	test := &cobra.Command{
		Use: "test FILE...", Short: "run case files against the decisions of this version",
		Long: `test reads cases, one JSON object a line, and compares what this version decides with what the
case expects. Nothing is run and nothing outside is touched.

Exit status: 0 all pass; 2 a file cannot be read; 3 some fail.`,
		Example: "  proctor policy test cases.jsonl\n  proctor policy test --json cases.jsonl",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return app.PolicyTest(env, args, json) },
	}
	test.Flags().BoolVar(&json, "json", false, "one result a line")
	return group("policy", "decisions without running anything", test)
}
