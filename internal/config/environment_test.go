//go:build unix

package config

import (
	"slices"
	"strings"
	"testing"
)

// environmentOf loads files, by path, for folder /w in a repository.
func environmentOf(t *testing.T, files map[string]string, opts Options) (Environment, []Warning, error) {
	t.Helper()
	m := memFS{"w/.git/HEAD": "ref: refs/heads/main\n"}
	for k, v := range files {
		m[strings.TrimPrefix(k, "/")] = v
	}
	opts.FS, opts.Cwd = m, "/w"
	opts.LookupEnv = func(k string) (string, bool) {
		v, ok := map[string]string{"HOME": "/h", "PROCTOR_HOME": "/p"}[k]
		return v, ok
	}
	c, warnings, err := Load(opts)
	if err != nil {
		return Environment{}, warnings, err
	}
	return c.Environment, warnings, nil
}

const trusted = "[projects.\"/w\"]\ntrust_level = \"trusted\"\n"

func TestEnvironmentLayers(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"/h/.codex/config.toml":  trusted,
		"/p/proctor.toml":        "[environment]\nsetup = \"user\"\nsecrets = [\"A\"]\nsecret_files = { F = \"~/f\" }\nleftover = \"warn\"\n",
		"/w/.codex/proctor.toml": "[environment]\nsetup = [\"one\", \"two\"]\nsecrets = [\"B\", \"A\"]\ncache = [\"lock\"]\n",
	}
	e, _, err := environmentOf(t, files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Setup, []string{"one", "two"}) || !slices.Equal(e.Secrets, []string{"A", "B"}) || e.SecretFiles["F"] != "/h/f" ||
		!e.Network || e.Leftover != LeftoverWarn || !slices.Equal(e.Cache, []string{"lock"}) || e.Origin.File != "/w/.codex/proctor.toml" {
		t.Errorf("got %+v", e)
	}
	delete(files, "/h/.codex/config.toml")
	e, warnings, err := environmentOf(t, files, Options{})
	if err != nil || !slices.Equal(e.Setup, []string{"user"}) || slices.Contains(e.Secrets, "B") {
		t.Errorf("an untrusted project decided: %+v, %v", e, err)
	}
	if !slices.ContainsFunc(warnings, func(w Warning) bool { return strings.Contains(w.String(), "/w/.codex/proctor.toml") }) {
		t.Errorf("nobody was told: %v", warnings)
	}
}

func TestEnvironmentErrorsNameTheirPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"a project names no files":      {"/w/.codex/proctor.toml", "[environment]\nsetup = \"x\"\nsecret_files = { F = \"/etc/shadow\" }\n", ""},
		"not a name":                    {"/p/proctor.toml", "[environment]\nsetup = \"x\"\nsecrets = [\"A=B\"]\n", "/p/proctor.toml:3:12: environment.secrets[0]"},
		"empty command":                 {"/p/proctor.toml", "[environment]\nsetup = [\"\"]\n", "/p/proctor.toml:2:10: environment.setup[0]"},
		"cache outside":                 {"/p/proctor.toml", "[environment]\nsetup = \"x\"\ncache = [\"../x\"]\n", "/p/proctor.toml:2:1: environment.cache"},
		"relative secret file":          {"/p/proctor.toml", "[environment]\nsetup = \"x\"\nsecret_files = { F = \"f\" }\n", "environment.secret_files.F"},
		"requirements allow no writing": {"/etc/codex/requirements.toml", "allowed_sandbox_modes = [\"read-only\"]\n", "environment.setup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"/h/.codex/config.toml": trusted, "/p/proctor.toml": "[environment]\nsetup = \"x\"\n"}
			files[c.file] = c.text
			e, warnings, err := environmentOf(t, files, Options{})
			if c.want == "" {
				if err != nil || len(e.SecretFiles) > 0 || len(warnings) == 0 {
					t.Errorf("got %+v, %v, %v", e, warnings, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRequirementsCloseTheNetworkOfSetup(t *testing.T) {
	t.Parallel()
	e, _, err := environmentOf(t, map[string]string{
		"/p/proctor.toml":              "[environment]\nsetup = \"x\"\nnetwork = true\n",
		"/etc/codex/requirements.toml": "[experimental_network]\nenabled = true\n",
	}, Options{})
	if err != nil || e.Network {
		t.Errorf("got %+v, %v", e, err)
	}
}
