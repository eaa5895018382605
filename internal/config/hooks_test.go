//go:build unix

package config

import (
	"strings"
	"testing"
)

// Every layer keeps its hooks, the administrator's come first and are managed; trust is not for project files to say.
func TestHookSources(t *testing.T) {
	t.Parallel()
	group := func(command string) string {
		return "[[hooks.PreToolUse]]\n[[hooks.PreToolUse.hooks]]\ntype=\"command\"\ncommand=\"" + command + "\"\n"
	}
	json := func(command string) string {
		return `{"description":"x","hooks":{"Stop":[{"hooks":[{"type":"command","command":"` + command + `"}]}]}}`
	}
	state := "[hooks.state.\"k\"]\ntrusted_hash=\"sha256:"
	files := map[string]string{
		requirementsFile:                          "[hooks]\nmanaged_dir=\"/opt/hooks\"\n" + group("req"),
		systemConfigFile:                          group("sys"),
		caseHome + "/.codex/hooks.json":           json("userjson"),
		caseHome + "/.codex/config.toml":          group("user") + state + "user\"\n[projects.\"" + caseWorkspace + "\"]\ntrust_level=\"trusted\"\n",
		caseWorkspace + "/.codex/config.toml":     group("project") + state + "project\"\n",
		caseWorkspace + "/.codex/hooks.json":      json("projectjson"),
		caseHome + "/elsewhere/.codex/hooks.json": json("no"),
	}
	o := options(files)
	o.Overrides = []string{`hooks.SessionStart=[{hooks=[{type="command",command="flag"}]}]`}
	c, _ := mustLoad(t, o)
	var got []string
	for _, s := range c.Hooks {
		word := string(s.Layer) + " " + s.File
		if s.Managed {
			word += " managed"
		}
		got = append(got, word)
	}
	want := []string{
		"requirements /opt/hooks managed", "user " + caseHome + "/.codex/hooks.json", "system " + systemConfigFile + " managed",
		"user " + caseHome + "/.codex/config.toml", "project " + caseWorkspace + "/.codex/hooks.json", "project " + caseWorkspace + "/.codex/config.toml",
		"flag " + flagHooks,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h := c.HookStates["k"].TrustedHash; h != "sha256:user" {
		t.Errorf("trusted hash %q: a project file has no say", h)
	}
	digest := c.Digest()
	files[caseWorkspace+"/.codex/hooks.json"] = json("other")
	o = options(files)
	if again, _ := mustLoad(t, o); again.Digest() == digest {
		t.Error("another hook is another policy")
	}
	files[caseWorkspace+"/.codex/hooks.json"] = `{"hooks":`
	if _, _, err := Load(options(files)); err == nil || !strings.Contains(err.Error(), "hooks.json") {
		t.Errorf("a broken file: %v", err)
	}
}
