package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"proctor/internal/app"
	"proctor/internal/config"
)

// settings are the flags that choose configuration, shared by the commands that load it.
type settings struct {
	overrides        []string
	profile          string
	strict           bool
	ignoreUserConfig bool
	cwd              string
}

func (s *settings) bind(f *pflag.FlagSet) {
	f.StringArrayVarP(&s.overrides, "config", "c", nil, "set a configuration value, `KEY=VALUE`; the value is TOML, else text")
	f.StringVarP(&s.profile, "profile", "p", "", "configuration profile `NAME`")
	f.BoolVar(&s.strict, "strict-config", false, "unknown configuration keys are errors")
	f.BoolVar(&s.ignoreUserConfig, "ignore-user-config", false, "leave out config.toml of the user")
	f.StringVarP(&s.cwd, "cd", "C", "", "work in `DIR`")
}

func (s *settings) options(env app.Env) config.Options {
	o := config.Options{Overrides: s.overrides, Profile: s.profile, Strict: s.strict, IgnoreUserConfig: s.ignoreUserConfig}
	if s.cwd != "" {
		o.Cwd = app.Abs(env, s.cwd)
	}
	return o
}

// openReading opens the ledger for a command that only reads it. It does without the user's config.toml: who reads
// the record need not have the secrets that its exporters name, and a broken file must not hide it.
func (s *settings) openReading(c *cobra.Command, env app.Env) (*app.Store, *config.Config, func(*error), error) {
	s.ignoreUserConfig = true
	return s.openStore(c, env)
}

// openStore loads the configuration and opens the ledger; close it with the returned function.
func (s *settings) openStore(c *cobra.Command, env app.Env) (*app.Store, *config.Config, func(*error), error) {
	cfg, warnings, err := env.Configure(s.options(env))
	if err != nil {
		return nil, nil, nil, err
	}
	app.ShowWarnings(env, warnings)
	store, err := app.Open(c.Context(), env, cfg, app.Reader)
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
