package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"proctor/internal/app"
)

func newSandbox(env app.Env) *cobra.Command {
	c := sandboxCommand(env, "sandbox [linux] [flags] [--] COMMAND...", "debug")
	linux := sandboxCommand(env, "linux [flags] [--] COMMAND...", "landlock")
	linux.Hidden = true
	c.AddCommand(linux)
	return c
}

// briefly lets a process that does little and ends soon do without garbage collection: the heap of such a run is a few
// megabytes, and the first collection would cost as much as the run. Above the limit it collects after all.
func briefly() {
	const limit = 64 << 20 // bytes
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(-1)
}

func sandboxCommand(env app.Env, use, alias string) *cobra.Command {
	var s settings
	var o app.SandboxOptions
	c := &cobra.Command{
		Use: use, Short: "run a command confined, nothing else", Aliases: []string{alias},
		Long: `sandbox runs COMMAND confined as the configuration says; without one, read-only. It decides and records nothing.

Exit status: that of COMMAND, 128 plus the signal when one ended it; 2 usage; 6 sandbox unavailable; 127 no such program.`,
		Example: `  proctor sandbox linux -- touch /etc/x
  proctor sandbox -c 'sandbox_mode="workspace-write"' -- make test`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argv, o.Config = args, s.options(env)
			briefly()
			return app.Sandbox(c.Context(), env, o)
		},
	}
	c.Flags().SetInterspersed(false)
	s.bind(c.Flags())
	c.Flags().BoolVar(&o.LogDenials, "log-denials", false, "print what was refused, on standard error")
	return c
}
