package main

import (
	"github.com/spf13/pflag"

	"proctor/internal/cli"
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

func (s *settings) options(env cli.Env) config.Options {
	o := config.Options{Overrides: s.overrides, Profile: s.profile, Strict: s.strict, IgnoreUserConfig: s.ignoreUserConfig}
	if s.cwd != "" {
		o.Cwd = env.Abs(s.cwd)
	}
	return o
}
