//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// access says what a command does with the ledger.
type access bool

const (
	// reads: the ledger need not be this process's.
	reads access = false
	// writes records in a ledger that is there, through its owner where there is one.
	writes access = true
)

// storeCommand is a command that works on the ledger and has nothing to refuse before it is opened.
func storeCommand(env cli.Env, c *cobra.Command, a access, run func(context.Context, *app.Store, *config.Config, []string) error) *cobra.Command {
	var s settings
	s.bind(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		return s.withStore(c, env, a, func(store *app.Store, cfg *config.Config) error { return run(c.Context(), store, cfg, args) })
	}
	return c
}

// withStore opens the ledger for run and closes it afterwards. It does without the user's config.toml: who reads
// the record need not have the secrets that its exporters name, and a broken file must not hide it.
func (s *settings) withStore(c *cobra.Command, env cli.Env, a access, run func(*app.Store, *config.Config) error) error {
	s.ignoreUserConfig = true
	open, as := app.Opener(app.Open), app.Reader
	if a == writes {
		open, as = app.OpenExisting, app.Keeper
	}
	return app.WithStore(c.Context(), env, s.options(env), open, as, run)
}
