package terms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"proctor/internal/cli"
	"proctor/internal/config"
)

// Refused are settings that promise something this version does not keep. Running without it would be less than the
// configuration says, so nothing runs; doc/compatibility.md lists them beside those that are merely inert.
func Refused(cfg *config.Config) error {
	req := cfg.Requirements
	openai := cfg.ModelProviderID == config.ProviderOpenAI
	switch {
	case cfg.NetworkAccess() && req.Network.Present:
		return refuse("requirements: experimental_network", "the managed network proxy is not part of this version",
			"switch the network of commands off, sandbox_workspace_write.network_access = false")
	case cfg.NetworkAccess() && profileRules(cfg):
		return refuse(fmt.Sprintf("permissions.%s.network", cfg.PermissionProfile), "the network proxy is not part of this version",
			"take its rules out, or switch its network off")
	case openai && req.LoginMethods != nil && !slices.Contains(req.LoginMethods, "api"):
		return refuse("requirements: allowed_login_methods", "this version signs in with an API key only", "allow \"api\", or use another model_provider")
	case openai && cfg.ForcedLoginMethod == "chatgpt":
		return refuse("forced_login_method", "this version signs in with an API key only", "set it to \"api\", or use another model_provider")
	case openai && req.Residency != "":
		return refuse("requirements: enforce_residency", "this version cannot ask for it", "use another model_provider")
	case slices.ContainsFunc(req.Rules, func(r config.PrefixRule) bool { return r.CanonicalMatching }):
		return refuse("requirements: canonical_matching of rules.prefix_rules", "rules match the words of a command as written", "name each spelling in any_of")
	}
	return refusedHooks(cfg)
}

// profileRules reports whether the selected profile limits where its network leads.
func profileRules(cfg *config.Config) bool {
	chain, _ := cfg.Chain(cfg.PermissionProfile)
	return slices.ContainsFunc(chain, func(p config.PermissionProfile) bool {
		return len(p.Network.Domains) > 0 || len(p.Network.UnixSockets) > 0 || p.Network.Mode == "limited"
	})
}

func refuse(key, why, next string) error {
	return cli.Fail(cli.Failure, fmt.Errorf("%s: %s; %s", key, why, next))
}

// deciding are the hook events whose answer can stop something.
var deciding = []string{"PreToolUse", "PermissionRequest", "UserPromptSubmit", "PreModelRequest"}

// refusedHooks looks for hooks that could forbid: this version runs none.
func refusedHooks(cfg *config.Config) error {
	if pinned, ok := cfg.Requirements.Features["hooks"]; !ok || pinned {
		if name := decidingHook(cfg.Requirements.Hooks); name != "" {
			return refuse("requirements: hooks."+name, "this version runs no hooks, and this one may forbid", "pin features.hooks = false, or say the rule in [rules]")
		}
	}
	if !cfg.Features["hooks"] || cfg.Requirements.AllowManagedHooksOnly {
		return nil
	}
	const next = "switch hooks off with --disable hooks, or say the rule in a .rules file"
	if name := decidingHook(cfg.Hooks); name != "" {
		return refuse("hooks."+name, "this version runs no hooks, and this one may forbid", next)
	}
	for _, file := range hookFiles(cfg) {
		var doc struct {
			Hooks map[string]any `json:"hooks"`
		}
		data, err := config.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &doc)
		}
		switch name := decidingHook(doc.Hooks); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return refuse(file, fmt.Sprintf("hooks cannot be read: %v", err), "repair or remove the file, or use --disable hooks")
		case name != "":
			return refuse(fmt.Sprintf("%s: hooks.%s", file, name), "this version runs no hooks, and this one may forbid", next)
		}
	}
	return nil
}

// hookFiles are the hooks.json beside each config.toml in use.
func hookFiles(cfg *config.Config) []string {
	files := []string{filepath.Join(cfg.CodexHome, "hooks.json")}
	if cfg.Trust == config.Trusted {
		for _, dir := range Folders(cfg.ProjectRoot, cfg.Cwd) {
			files = append(files, filepath.Join(dir, ".codex", "hooks.json"))
		}
	}
	return files
}

// decidingHook is the first event of hooks that can stop something and has a group, empty when there is none.
func decidingHook(hooks map[string]any) string {
	for _, name := range deciding {
		if groups, ok := hooks[name].([]any); ok && len(groups) > 0 {
			return name
		}
	}
	return ""
}
