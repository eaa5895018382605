package main

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
	"proctor/internal/unrecorded"
)

func newSandbox(env cli.Env) *cobra.Command {
	c := sandboxCommand(env, "sandbox [linux] [flags] [--] COMMAND...", "debug")
	linux := sandboxCommand(env, "linux [flags] [--] COMMAND...", "landlock")
	linux.Hidden = true
	c.AddCommand(linux, newSandboxMacOS(env), newSandboxWindows(env))
	return c
}

// briefly lets a process that does little and ends soon do without garbage collection: the heap of such a run is a few
// megabytes, and the first collection would cost as much as the run. Above the limit it collects after all.
func briefly() {
	const limit = 64 << 20 // bytes
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(-1)
}

func sandboxCommand(env cli.Env, use, alias string) *cobra.Command {
	var s choices
	var o unrecorded.SandboxOptions
	c := &cobra.Command{
		Use: use, Short: "run a command confined, nothing else", Aliases: []string{alias},
		Long: `sandbox runs COMMAND confined as the configuration says; without one, read-only. It decides and records nothing.
With -P the permission profile NAME confines it: one of [permissions] in config.toml, or :read-only, :workspace or
:danger-full-access. Its environment is what shell_environment_policy leaves of this one.

Exit status: that of COMMAND, 128 plus the signal when one ended it; 1 configuration; 2 usage; 6 sandbox unavailable;
127 no such program.`,
		Example: `  proctor sandbox linux -- touch /etc/x
  proctor sandbox -c 'sandbox_mode="workspace-write"' -- make test
  proctor sandbox -P untrusted-build -C ./third_party --log-denials -- ./configure`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			briefly()
			var err error
			if o.Config, err = s.options(c, env); err != nil {
				return err
			}
			o.Argv = args
			o.Proxy = sandboxProxy
			if err = unrecorded.Sandbox(c.Context(), env, o); errors.Is(err, unrecorded.ErrWhole) {
				err = toWhole(os.Args)
			}
			return err
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	s.settings.bind(f)
	f.StringP("permissions-profile", "P", "", "permission profile `NAME`")
	f.BoolVar(&o.LogDenials, "log-denials", false, "print what was refused, on standard error")
	return c
}
