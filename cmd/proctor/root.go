package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
)

// subcommand is a command by its names, so that only the one that is asked for is built.
type subcommand struct {
	names []string
	make  func(cli.Env) *cobra.Command
}

// light are the commands that keep no record; the front serves them by itself. The others stand in full.go.
var light = []subcommand{
	{[]string{"version"}, newVersion}, {[]string{"policy"}, newPolicy}, {[]string{"config"}, newConfig}, {[]string{"sandbox", "debug"}, newSandbox},
}

// asked are the commands to build for a command line: the one that it begins with, else all of them.
func asked(args []string) []subcommand {
	all := slices.Concat(light, full)
	if len(args) > 0 {
		if i := slices.IndexFunc(all, func(c subcommand) bool { return slices.Contains(c.names, args[0]) }); i >= 0 {
			return all[i : i+1]
		}
	}
	return all
}

// newRoot builds the program for a command line.
func newRoot(env cli.Env, args ...string) *cobra.Command {
	var version bool
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
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if version {
				_, err := fmt.Fprintln(env.Stdout, "proctor", cli.Version)
				return err
			}
			if len(args) > 0 {
				return usage("unknown command %q; see 'proctor --help'", args[0])
			}
			return c.Help()
		},
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.Flags().BoolVarP(&version, "version", "v", false, "version for proctor") // not cobra's, which links a template engine
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())}
	})
	commands := asked(args)
	for _, c := range commands {
		root.AddCommand(c.make(env))
	}
	root.CompletionOptions.DisableDefaultCmd = len(commands) == 1 // it needs all of them, and costs a start
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
