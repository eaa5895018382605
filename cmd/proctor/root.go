package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"proctor/internal/app"
)

// subcommands are listed by name, in the order of the help.
var subcommands = []struct {
	names []string
	make  func(app.Env) *cobra.Command
}{
	{[]string{"version"}, newVersion}, {[]string{"exec"}, newExec}, {[]string{"run"}, newRun}, {[]string{"replay"}, newReplay},
	{[]string{"ledger"}, newLedger}, {[]string{"export"}, newExport}, {[]string{"policy"}, newPolicy}, {[]string{"explain"}, newExplain}, {[]string{"config"}, newConfig},
	{[]string{"doctor"}, newDoctor}, {[]string{"demo"}, newDemo}, {[]string{"sandbox", "debug"}, newSandbox},
}

// asked are the commands to build for a command line: the one that it begins with, else all of them.
func asked(args []string) []func(app.Env) *cobra.Command {
	var all []func(app.Env) *cobra.Command
	for _, c := range subcommands {
		if len(args) > 0 && slices.Contains(c.names, args[0]) {
			return []func(app.Env) *cobra.Command{c.make}
		}
		all = append(all, c.make)
	}
	return all
}

// newRoot builds the program for a command line.
func newRoot(env app.Env, args ...string) *cobra.Command {
	root := &cobra.Command{
		Use:   "proctor",
		Short: "supervise coding agents: decide, confine, record, export, replay",
		Long: `proctor runs a coding agent under supervision. Every command it asks for is decided
by policy, recorded before it runs, confined while it runs, and can be replayed and
proven afterwards.

Exit status: 0 done; 1 agent, model or configuration failed; 2 usage; 3 a gate found something
(--fail-on, verify, policy test); 6 sandbox unavailable; 7 evidence could not be
made durable; 124 time limit; 130 and 143 interrupted.`,
		Example: `  proctor demo
  proctor exec "fix the failing test"
  proctor replay --last`,
		SilenceErrors: true, SilenceUsage: true,
		Version: app.Version,
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q; see 'proctor --help'", args[0])
			}
			return c.Help()
		},
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetVersionTemplate("proctor {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())}
	})
	for _, make := range asked(args) {
		root.AddCommand(make(env))
	}
	for _, c := range root.Commands() {
		strictArgs(c)
	}
	return root
}

// strictArgs makes errors about positional arguments usage errors.
func strictArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &usageError{fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		strictArgs(sub)
	}
}

// usage makes a usage error.
func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return usage("%s needs a subcommand; see '%s --help'", c.CommandPath(), c.CommandPath())
	}}
	c.AddCommand(subs...)
	return c
}
