package config

import "reflect"

// Launch is what the command line and the environment of a run added to the files: with the same files and the same
// Launch, Load gives the same configuration again. It is recorded, so it holds no override that sets a secret.
type Launch struct {
	Cwd         string `json:"cwd"`
	Home        string `json:"home,omitempty"`
	CodexHome   string `json:"codex_home,omitempty"`
	ProctorHome string `json:"proctor_home,omitempty"`
	TmpDir      string `json:"tmpdir,omitempty"`
	Hostname    string `json:"hostname,omitempty"`

	Headless         bool     `json:"headless,omitempty"`
	Profile          string   `json:"profile,omitempty"`
	IgnoreUserConfig bool     `json:"ignore_user_config,omitempty"`
	IgnoreRules      bool     `json:"ignore_rules,omitempty"` // set by the caller: Load reads no rules
	ExcludeSecrets   bool     `json:"exclude_secrets,omitempty"`
	Trust            bool     `json:"trust,omitempty"`
	BypassHookTrust  bool     `json:"bypass_hook_trust,omitempty"`
	Overrides        []string `json:"overrides,omitempty"`
	AddDirs          []string `json:"add_dirs,omitempty"`
	Flags            []Flag   `json:"flags,omitempty"`
}

// LaunchOf is how c came from o.
func LaunchOf(o Options, c *Config) Launch {
	l := Launch{
		Cwd: c.Cwd, CodexHome: c.CodexHome, ProctorHome: c.ProctorHome, Hostname: o.Hostname,
		Headless: o.Headless, Profile: o.Profile, IgnoreUserConfig: o.IgnoreUserConfig, ExcludeSecrets: o.ExcludeSecrets,
		Trust: o.Trust, BypassHookTrust: o.BypassHookTrust, AddDirs: o.AddDirs, Flags: o.Flags,
	}
	if o.LookupEnv != nil {
		l.Home, l.TmpDir = o.getenv("HOME"), o.getenv("TMPDIR")
	}
	for _, arg := range o.Overrides {
		n, err := parseOverride(arg)
		if err == nil && reflect.DeepEqual(shownValue(n, nil), n.plain()) { // nothing in it is masked
			l.Overrides = append(l.Overrides, arg)
		}
	}
	return l
}

// Options are those of a Load as it was launched. FS and further overrides are the caller's to add.
func (l Launch) Options() Options {
	env := map[string]string{"HOME": l.Home, "CODEX_HOME": l.CodexHome, "PROCTOR_HOME": l.ProctorHome, "TMPDIR": l.TmpDir}
	return Options{
		LookupEnv: func(name string) (string, bool) { v := env[name]; return v, v != "" },
		Cwd:       l.Cwd, Hostname: l.Hostname, Headless: l.Headless, Profile: l.Profile, IgnoreUserConfig: l.IgnoreUserConfig,
		ExcludeSecrets: l.ExcludeSecrets, Trust: l.Trust, BypassHookTrust: l.BypassHookTrust, AddDirs: append([]string(nil), l.AddDirs...),
		Overrides: append([]string(nil), l.Overrides...), Flags: append([]Flag(nil), l.Flags...),
	}
}
