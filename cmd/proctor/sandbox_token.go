package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/cli"
	"proctor/internal/unrecorded"
)

func newSandboxWindows(env cli.Env) *cobra.Command {
	var s settings
	var o unrecorded.PlatformOptions
	c := &cobra.Command{
		Use: "windows [flags] [--] COMMAND...", Short: "run a command confined by a restricted token (Windows)",
		Long: `windows runs COMMAND with a restricted token in a job that ends with it, after changing the access lists of the
writable roots; the changes are taken back afterwards. It decides and records nothing. A token cannot close the
network, so a configuration with the network off is refused. --print-plan shows what would be done, on any system.

Exit status: that of COMMAND; 2 usage, or not on Windows; 6 sandbox unavailable, or not able to do what is asked.`,
		Example: `  proctor sandbox windows -c 'sandbox_mode="workspace-write"' -c sandbox_workspace_write.network_access=true --print-plan`,
		Args:    platformArgs(&o),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argv, o.Config = args, s.options(env)
			return unrecorded.SandboxWindows(c.Context(), env, o)
		},
	}
	c.Flags().SetInterspersed(false)
	s.bind(c.Flags())
	c.Flags().BoolVar(&o.Print, "print-plan", false, "print the plan as JSON and run nothing")
	return c
}
