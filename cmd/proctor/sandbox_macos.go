package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/cli"
	"proctor/internal/unrecorded"
)

func newSandboxMacOS(env cli.Env) *cobra.Command {
	var s settings
	var o unrecorded.PlatformOptions
	c := &cobra.Command{
		Use: "macos [flags] [--] COMMAND...", Short: "run a command confined by Seatbelt (macOS)", Aliases: []string{"seatbelt"},
		Long: `macos runs COMMAND with /usr/bin/sandbox-exec under a profile made from the configuration; without one, read-only.
It decides and records nothing. --print-profile shows the profile, on any system.

Exit status: that of COMMAND, 128 plus the signal when one ended it; 2 usage, or not on macOS; 6 sandbox unavailable.`,
		Example: `  proctor sandbox macos -- touch /etc/x
  proctor sandbox macos -c 'sandbox_mode="workspace-write"' --print-profile`,
		Args: platformArgs(&o),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argv, o.Config = args, s.options(env)
			return unrecorded.SandboxMacOS(c.Context(), env, o)
		},
	}
	c.Flags().SetInterspersed(false)
	s.bind(c.Flags())
	c.Flags().BoolVar(&o.Print, "print-profile", false, "print the profile and run nothing")
	return c
}

// platformArgs: a command is needed unless something is only printed.
func platformArgs(o *unrecorded.PlatformOptions) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if o.Print {
			return nil
		}
		return cobra.MinimumNArgs(1)(c, args)
	}
}
