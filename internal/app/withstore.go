package app

import (
	"context"
	"errors"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// Opener opens the ledger of a configuration: Open, or OpenExisting where it must be there.
type Opener func(context.Context, cli.Env, *config.Config, Access) (*Store, error)

// WithStore is how a command that works on the ledger begins and ends: the configuration is read and its warnings are shown, the ledger is
// opened for run and closed afterwards, also when ctx has ended. What can be wrong without the ledger is for the caller to look at first.
func WithStore(ctx context.Context, env cli.Env, o config.Options, open Opener, access Access, run func(*Store, *config.Config) error) error {
	cfg, warnings, err := env.Configure(o)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	return withStore(ctx, env, cfg, open, access, func(s *Store) error { return run(s, cfg) })
}

// withStore is WithStore for a configuration that was read.
func withStore(ctx context.Context, env cli.Env, cfg *config.Config, open Opener, access Access, run func(*Store) error) error {
	store, err := open(ctx, env, cfg, access)
	if err != nil {
		return err
	}
	showRecovered(env, store.Recovered)
	err = run(store)
	closing := store.Close(context.WithoutCancel(ctx))
	if errors.Is(err, event.ErrNotRecorded) || cli.ExitOf(err) == cli.NotDurable || err != nil && errors.Is(closing, ledger.ErrFailed) {
		return err // closing says the same again, or what the ledger logged when it failed
	}
	return errors.Join(err, closing)
}
