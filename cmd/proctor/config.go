package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/unrecorded"
)

func newConfig(env cli.Env) *cobra.Command {
	return group("config", "the effective configuration, where it comes from, and what is wrong with it",
		newConfigShow(env), newConfigExplain(env), newConfigValidate(env))
}

// loaded makes a command load as exec does, where nobody can be asked.
func loaded(c *cobra.Command, env cli.Env, run func(o config.Options, args []string) error) *cobra.Command {
	return configured(c, env, func(_ context.Context, o config.Options, args []string) error {
		o.Headless = true
		return run(o, args)
	})
}

func newConfigShow(env cli.Env) *cobra.Command {
	var origin, json bool
	c := loaded(&cobra.Command{
		Use: "show [KEY...]", Short: "print the settings that a run would have",
		Long: `show prints every effective setting, or those at and below KEY, as 'proctor exec' would have them with the same
flags. Secrets are masked. --origin adds the layer, file, line and column that each value comes from, and the
requirement that changed it. Layers, weakest first:

  default       built in
  system        /etc/codex/config.toml
  user          $CODEX_HOME/config.toml
  profile       [profiles.NAME], then $CODEX_HOME/NAME.config.toml
  project       .codex/config.toml of a trusted folder, from the project root down
  flag          -c KEY=VALUE, then flags with a name of their own
  managed       /etc/codex/managed_config.toml
  command       what the command imposes: exec asks nobody
  requirements  /etc/codex/requirements.toml, which only narrows

Exit status: 0 shown; 1 the configuration does not load; 2 usage, or KEY is unknown.`,
		Example: `  proctor config show
  proctor config show --origin sandbox_mode approval_policy
  proctor config show --json -p ci -c web_search=live`,
		Args: cobra.ArbitraryArgs,
	}, env, func(o config.Options, args []string) error { return unrecorded.ConfigShow(env, o, args, origin, json) })
	c.Flags().BoolVar(&origin, "origin", false, "say where each value comes from")
	c.Flags().BoolVar(&json, "json", false, "one setting a line, with its origin")
	return c
}

func newConfigExplain(env cli.Env) *cobra.Command {
	var json bool
	c := loaded(&cobra.Command{
		Use: "explain KEY", Short: "say which layers set a key, which one won and what changed it",
		Long: `explain lists every layer that sets KEY, strongest first, the value that is in effect, the requirement or command
that changed it, and what the key expects. KEY may be one of requirements.toml as well.

Exit status: 0 explained; 1 the configuration does not load; 2 usage, or KEY is unknown; the nearest known key is named.`,
		Example: `  proctor config explain sandbox_mode
  proctor config explain --json otel.exporter
  proctor config explain allowed_sandbox_modes`,
		Args: cobra.ExactArgs(1),
	}, env, func(o config.Options, args []string) error { return unrecorded.ConfigExplain(env, o, args[0], json) })
	c.Flags().BoolVar(&json, "json", false, "print one JSON object")
	return c
}

func newConfigValidate(env cli.Env) *cobra.Command {
	var json bool
	c := loaded(&cobra.Command{
		Use: "validate [FILE...]", Short: "say what is wrong with the configuration",
		Long: `validate loads the configuration as 'proctor exec' would with the same flags and prints every problem with file, line,
column, key, what was expected and what to do. An unknown key in a managed file is a problem too: it leaves out
the constraint that was meant. With FILE it looks at these files together and at nothing else on the machine; the
name says what a file is: requirements.toml, managed_config.toml, proctor.toml, NAME.config.toml for a profile,
.codex/config.toml for a project, anything else for the user's config.toml.

Exit status: 0 valid; 2 problems, or usage.`,
		Example: `  proctor config validate
  proctor config validate --strict-config --json
  proctor config validate ./requirements.toml ./config.toml`,
		Args: cobra.ArbitraryArgs,
	}, env, func(o config.Options, args []string) error { return unrecorded.ConfigValidate(env, o, args, json) })
	c.Flags().BoolVar(&json, "json", false, "one finding a line")
	return c
}
