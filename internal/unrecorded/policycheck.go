package unrecorded

import (
	"fmt"
	"unicode/utf8"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy/execrules"
)

// CheckOptions are the flags of proctor policy check.
type CheckOptions struct {
	Config  config.Options
	Rules   []string // files; without any, the rules of the configuration
	Pretty  bool
	Resolve bool // --resolve-host-executables
	Command []string
}

// PolicyCheck prints which rules match a command, as codex execpolicy check does.
func PolicyCheck(env cli.Env, o CheckOptions) error {
	for _, w := range o.Command {
		if !utf8.ValidString(w) {
			return cli.Fail(cli.Usage, fmt.Errorf("check command: word %q is not UTF-8 text, which rules are written in", w))
		}
	}
	rules, err := checkedRules(env, o)
	if err != nil {
		return err
	}
	result := rules.Check(o.Command, execrules.Options{ResolveHostExecutables: o.Resolve || len(o.Rules) == 0, Home: env.Getenv("HOME"), Cwd: env.Cwd})
	if _, err := env.Stdout.Write(append(result.Report(o.Pretty), '\n')); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("print the result: %w", err))
	}
	return nil
}

// checkedRules are the named files, or what a session with this configuration would load.
func checkedRules(env cli.Env, o CheckOptions) (*execrules.Rules, error) {
	if len(o.Rules) == 0 {
		cfg, warnings, err := env.Configure(o.Config)
		cli.ShowWarnings(env, warnings)
		if err != nil {
			return nil, err
		}
		rules, _, err := terms.Rules(cfg, false)
		return rules, err
	}
	files := make([]execrules.File, 0, len(o.Rules))
	for _, name := range o.Rules {
		text, err := terms.ReadRules(env.Abs(name))
		if err != nil {
			return nil, cli.Fail(cli.Failure, err)
		}
		files = append(files, execrules.File{Name: name, Text: text})
	}
	rules, err := execrules.Parse(files)
	if err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("execution rules: %w", err))
	}
	return rules, nil
}
