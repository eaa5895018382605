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
func (s *settings) withStore(c *cobra.Command, env cli.Env, a access, run func(*app.Store, *config.Config) error) (err error) {
	s.ignoreUserConfig = true
	open, as := opener(app.Open), app.Reader
	if a == writes {
		open, as = app.OpenExisting, app.Keeper
	}
	store, cfg, done, err := s.openStore(c, env, open, as)
	if err != nil {
		return err
	}
	defer done(&err)
	return run(store, cfg)
}

type opener func(context.Context, cli.Env, *config.Config, app.Access) (*app.Store, error)

// openStore loads the configuration and opens the ledger; close it with the returned function.
func (s *settings) openStore(c *cobra.Command, env cli.Env, open opener, access app.Access) (*app.Store, *config.Config, func(*error), error) {
	cfg, warnings, err := env.Configure(s.options(env))
	if err != nil {
		return nil, nil, nil, err
	}
	cli.ShowWarnings(env, warnings)
	store, err := open(c.Context(), env, cfg, access)
	if err != nil {
		return nil, nil, nil, err
	}
	app.ShowRecovered(env, store)
	return store, cfg, func(err *error) {
		if closing := store.Close(c.Context()); *err == nil {
			*err = closing
		}
	}, nil
}
