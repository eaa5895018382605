//go:build !lean

package main

import (
	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
)

func newDemo(env cli.Env) *cobra.Command {
	var o app.DemoOptions
	c := &cobra.Command{
		Use: "demo", Short: "a whole supervised run against a scripted model, in a throw-away repository",
		Long: `demo makes a small Git repository with a failing test, starts a scripted model and a telemetry
collector on loopback, and runs the same code as 'proctor exec': the agent runs the test, patches
the file, tests again, tries to write outside the workspace, tries the network and asks to leave
the sandbox. Then it prints the timeline, verifies the ledger and says where everything lies.

Exit status: 0 everything went as told; 1 it did not.`,
		Example: "  proctor demo\n  proctor demo --dir /var/tmp/proctor-demo",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return app.Demo(c.Context(), env, o) },
	}
	c.Flags().StringVar(&o.Dir, "dir", "", "keep everything in `DIR` (default: a new folder that is kept)")
	c.Flags().StringVar(&o.Collector, "collector", "", "export to the OTLP/gRPC collector at `URL` instead of one on loopback")
	return c
}
