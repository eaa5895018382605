package app

import (
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"proctor/internal/config"
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
func PolicyCheck(env Env, o CheckOptions) error {
	for _, w := range o.Command {
		if !utf8.ValidString(w) {
			return fail(Usage, fmt.Errorf("check command: word %q is not UTF-8 text, which rules are written in", w))
		}
	}
	rules, err := checkedRules(env, o)
	if err != nil {
		return err
	}
	result := rules.Check(o.Command, execrules.Options{ResolveHostExecutables: o.Resolve || len(o.Rules) == 0, Home: env.Getenv("HOME"), Cwd: env.Cwd})
	if _, err := env.Stdout.Write(append(result.Report(o.Pretty), '\n')); err != nil {
		return fail(Failure, fmt.Errorf("print the result: %w", err))
	}
	return nil
}

// checkedRules are the named files, or what a session with this configuration would load.
func checkedRules(env Env, o CheckOptions) (*execrules.Rules, error) {
	if len(o.Rules) == 0 {
		cfg, warnings, err := env.Configure(o.Config)
		ShowWarnings(env, warnings)
		if err != nil {
			return nil, err
		}
		rules, _, err := Rules(cfg, false)
		return rules, err
	}
	files := make([]execrules.File, 0, len(o.Rules))
	for _, name := range o.Rules {
		text, err := readRuleFile(env.abs(name))
		if err != nil {
			return nil, fail(Failure, err)
		}
		files = append(files, execrules.File{Name: name, Text: text})
	}
	rules, err := execrules.Parse(files)
	if err != nil {
		return nil, fail(Failure, fmt.Errorf("execution rules: %w", err))
	}
	return rules, nil
}

// readRuleFile reads one file of rules; one that is too large or no text is refused.
func readRuleFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	switch {
	case info.IsDir():
		return "", fmt.Errorf("read rules %s: it is a folder; name the .rules files in it", path)
	case info.Size() > maxRuleFile:
		return "", fmt.Errorf("read rules %s: %d bytes, at most %d are allowed", path, info.Size(), maxRuleFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	if !utf8.Valid(text) {
		return "", errors.New("read rules " + path + ": not UTF-8 text")
	}
	return string(text), nil
}
