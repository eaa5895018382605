package config

import "io/fs"

// Options is where Load looks. The zero value reads the real machine's files
// with an empty environment, which fails for want of HOME; set LookupEnv.
type Options struct {
	FS        fs.FS                       // rooted at "/"; nil = the machine's own
	LookupEnv func(string) (string, bool) // nil = empty environment
	Cwd       string                      // absolute, required
	Hostname  string                      // for remote_sandbox_config

	Headless         bool     // nobody can be asked (proctor exec)
	Profile          string   // --profile NAME
	IgnoreUserConfig bool     // --ignore-user-config
	ExcludeSecrets   bool     // default_excludes hold unless a layer says ignore_default_excludes
	Strict           bool     // --strict-config: unknown keys are errors
	Trust            bool     // --trust: for this run; an explicit untrusted mark wins
	BypassHookTrust  bool     // --dangerously-bypass-hook-trust
	Overrides        []string // -c KEY=VALUE, in order
	AddDirs          []string // --add-dir: further writable roots, absolute
	Flags            []Flag   // flags with a name of their own; they beat Overrides
}

// Flag is a setting that came from a flag of its own.
type Flag struct {
	Key   string // dotted, "sandbox_mode"
	Value any    // string, bool, int64, []any or map[string]any
	Name  string // as typed, "-s"; shown as origin
}
