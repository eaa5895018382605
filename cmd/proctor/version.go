package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"proctor/internal/cli"
)

func newVersion(env cli.Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(env.Stdout, "proctor %s (%s %s/%s)\n", cli.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
