//go:build !lean

package main

import (
	"context"

	"github.com/spf13/cobra"

	"proctor/internal/app"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// openReading opens the ledger for a command that only reads it. It does without the user's config.toml: who reads
// the record need not have the secrets that its exporters name, and a broken file must not hide it.
func (s *settings) openReading(c *cobra.Command, env cli.Env) (*app.Store, *config.Config, func(*error), error) {
	s.ignoreUserConfig = true
	return s.openStore(c, env, app.Open, app.Reader)
}

// openWriting opens a ledger that is there, for a command that records in it, as openReading.
func (s *settings) openWriting(c *cobra.Command, env cli.Env) (*app.Store, *config.Config, func(*error), error) {
	s.ignoreUserConfig = true
	return s.openStore(c, env, app.OpenExisting, app.Runner)
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
