//go:build unix

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// some draws a subset of words, never empty when least is set; always is in it.
func some(t *rapid.T, name string, words []string, least bool, always ...string) []string {
	out := slices.Clone(always)
	for _, w := range words {
		if !slices.Contains(out, w) && rapid.Bool().Draw(t, name+" "+w) {
			out = append(out, w)
		}
	}
	if least && len(out) == 0 {
		out = append(out, rapid.SampledFrom(words).Draw(t, name+" one"))
	}
	return out
}

// constraints are the requirements that the law is about, each with a way to draw its text.
var constraints = map[string]func(t *rapid.T) string{
	"allowed_sandbox_modes": func(t *rapid.T) string {
		return "[" + quoteAll(some(t, "modes", modeWords, true, "read-only")) + "]"
	},
	"allowed_approval_policies": func(t *rapid.T) string {
		return "[" + quoteAll(some(t, "policies", policyWords, true)) + "]"
	},
	"allowed_approvals_reviewers": func(t *rapid.T) string {
		return "[" + quoteAll(some(t, "reviewers", []string{"user", "auto_review"}, true)) + "]"
	},
	"allowed_web_search_modes": func(t *rapid.T) string { return "[" + quoteAll(some(t, "search", webSearchWords, false)) + "]" },
	"permissions.filesystem.deny_read": func(t *rapid.T) string {
		return "[" + quoteAll(some(t, "deny", []string{"/srv/a", "/srv/b", "/**/*.env"}, false)) + "]"
	},
	"allowed_permission_profiles": func(t *rapid.T) string {
		names := some(t, "profiles", []string{":read-only", ":workspace", ":danger-full-access", "wide"}, true)
		return "{" + quoteEach(names, " = true") + "}\ndefault_permissions = " + fmt.Sprintf("%q", rapid.SampledFrom(names).Draw(t, "default"))
	},
	"allow_login_shell":     func(*rapid.T) string { return "false" },
	"features":              func(*rapid.T) string { return "{hooks=false, network_proxy=true}" },
	"mcp_servers":           func(*rapid.T) string { return `{a={identity={command="x"}}}` },
	"rules":                 func(*rapid.T) string { return `{prefix_rules=[{pattern=[{token="rm"}],decision="forbidden"}]}` },
	"otel":                  func(*rapid.T) string { return "{log_user_prompt=false}" },
	"remote_sandbox_config": func(*rapid.T) string { return `[{hostname_patterns=["other"],allowed_sandbox_modes=["read-only"]}]` },
	"experimental_network":  func(*rapid.T) string { return `{enabled=true,domains={"a.example"="allow"}}` },
}

var modeWords = []string{"read-only", "workspace-write", "danger-full-access"}

func quoteEach(words []string, after string) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = fmt.Sprintf("%q%s", w, after)
	}
	return strings.Join(parts, ", ")
}

// drawnFiles are layers of settings, without requirements.
func drawnFiles(t *rapid.T) map[string]string {
	text := func(name string) string {
		t := rapid.Custom(func(t *rapid.T) string {
			return setting(t, "sandbox_mode", modeWords) + setting(t, "approval_policy", policyWords) +
				setting(t, "approvals_reviewer", []string{"user", "auto_review"}) + setting(t, "web_search", webSearchWords) +
				setting(t, "default_permissions", []string{":read-only", ":workspace", ":danger-full-access", "wide"}) +
				"[permissions.wide]\nextends=\":workspace\"\n[permissions.wide.filesystem]\n\":root\"=\"write\"\n" +
				"[sandbox_workspace_write]\nnetwork_access = " + fmt.Sprint(rapid.Bool().Draw(t, "network")) + "\n" +
				"[mcp_servers.a]\ncommand=" + rapid.SampledFrom([]string{`"x"`, `"y"`}).Draw(t, "server") + "\n[mcp_servers.b]\nurl=\"http://b\"\n"
		}).Draw(t, name)
		return t
	}
	files := map[string]string{systemConfigFile: text("system"), userFile: text("user")}
	if rapid.Bool().Draw(t, "trusted") {
		files[userFile] += trustText
	}
	return files
}

// Adding one requirement to any configuration, with or without others, never lets a command do more, never sends more
// and never asks a weaker reviewer: the run is refused, or every decision stays or becomes narrower. A choice from a list
// stays when it is allowed; when it is not, it becomes an allowed one.
func TestAddingARequirementNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := drawnFiles(t)
		had := map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(constraints)) {
			if rapid.IntRange(0, 3).Draw(t, "has "+key) == 0 {
				had[key] = constraints[key](t)
			}
		}
		added := rapid.SampledFrom(slices.Sorted(maps.Keys(constraints))).Draw(t, "added")
		if _, twice := had[added]; twice {
			return
		}
		load := func() (*Config, error) {
			var b strings.Builder
			for _, key := range slices.Sorted(maps.Keys(had)) {
				fmt.Fprintf(&b, "%s = %s\n", key, had[key])
			}
			with := maps.Clone(files)
			with[requirementsFile] = b.String()
			opts := options(with)
			opts.Hostname = "this"
			c, _, err := Load(opts)
			return c, err
		}
		before, err := load()
		if err != nil {
			return
		}
		had[added] = constraints[added](t)
		after, err := load()
		if err != nil {
			return // refused is narrow enough
		}
		noWider(t, before, after)
	})
}

func noWider(t *rapid.T, before, after *Config) {
	chosen := len(before.Explain("sandbox_mode").Candidates)+len(before.Explain("default_permissions").Candidates) > 0
	if chosen || after.Requirements.DefaultPermissions == "" { // a managed default counts where nobody chose
		if wider(after.SandboxMode, before.SandboxMode) {
			t.Fatalf("sandbox went from %s to %s", before.SandboxMode, after.SandboxMode)
		}
		if after.NetworkAccess() && !before.NetworkAccess() {
			t.Fatal("the network went on")
		}
	}
	for _, deny := range before.DenyRead {
		if !slices.Contains(after.DenyRead, deny) {
			t.Fatalf("%s may be read again", deny)
		}
	}
	for name, s := range after.MCPServers {
		if s.IsEnabled() && !before.MCPServers[name].IsEnabled() {
			t.Fatalf("server %s is on again", name)
		}
	}
	if len(after.Requirements.Rules) < len(before.Requirements.Rules) {
		t.Fatal("a rule is gone")
	}
	if after.AllowLoginShell && !before.AllowLoginShell || after.Otel.LogUserPrompt && !before.Otel.LogUserPrompt ||
		!after.NetworkProxy.Enabled && before.NetworkProxy.Enabled {
		t.Fatalf("a switch went the wrong way: %+v", after)
	}
	req := after.Requirements
	stays(t, "approvals_reviewer", before.ApprovalsReviewer, after.ApprovalsReviewer, req.AllowedReviewers,
		func(r Reviewer) bool { return r == UserReviewer })
	if before.SandboxMode == after.SandboxMode { // it decides the default
		stays(t, "web_search", before.WebSearch, after.WebSearch, req.AllowedWebSearchModes, func(m WebSearchMode) bool {
			return slices.Index(webSearchWords, string(m)) < slices.Index(webSearchWords, string(before.WebSearch))
		})
	}
	if before.ApprovalsReviewer == after.ApprovalsReviewer { // it decides what a headless run may ask
		stays(t, "approval_policy", before.ApprovalPolicy, after.ApprovalPolicy, req.AllowedApprovalPolicies,
			func(p ApprovalPolicy) bool { return p.Mode == ApprovalNever })
	}
}

// stays holds for a choice from a list; a narrower one may take its place, since choices follow each other.
func stays[T comparable](t *rapid.T, key string, before, after T, allowed []T, narrower func(T) bool) {
	switch {
	case after == before || narrower(after):
	case allowed == nil || slices.Contains(allowed, before):
		t.Fatalf("%s went from %v to %v, although %v allows it", key, before, after, allowed)
	case !slices.Contains(allowed, after):
		t.Fatalf("%s is %v, which %v does not allow", key, after, allowed)
	}
}

// The layers have one order: of those that set a key the strongest wins, is its origin, and heads the explanation.
func TestLayerOrderIsTotal(t *testing.T) {
	const key = "review_model"
	at := []struct {
		layer Layer
		put   func(o *Options, files map[string]string)
	}{
		{LayerSystem, func(_ *Options, f map[string]string) { f[systemConfigFile] += key + `="system"` }},
		{LayerUser, func(_ *Options, f map[string]string) { f[userFile] = key + "=\"user\"\n" + f[userFile] }},
		{LayerProfile, func(_ *Options, f map[string]string) { f[caseCodexHome+"/p.config.toml"] = key + `="profile"` }},
		{LayerProject, func(_ *Options, f map[string]string) { f["/ws/.codex/config.toml"] = key + `="project"` }},
		{LayerFlag, func(o *Options, _ map[string]string) { o.Overrides = []string{key + "=flag"} }},
		{LayerManaged, func(_ *Options, f map[string]string) { f[managedConfigFile] = key + `="managed"` }},
	}
	rapid.Check(t, func(t *rapid.T) {
		files, opts := map[string]string{userFile: trustText}, Options{}
		var set []Layer
		for _, one := range at {
			if rapid.Bool().Draw(t, string(one.layer)) {
				one.put(&opts, files)
				set = append(set, one.layer)
			}
		}
		o := options(files)
		o.Overrides, o.Profile = opts.Overrides, "p"
		c, _, err := Load(o)
		if err != nil {
			t.Fatal(err)
		}
		x := c.Explain(key)
		if len(x.Candidates) != len(set) {
			t.Fatalf("%d candidates for %v", len(x.Candidates), set)
		}
		for i, layer := range set {
			if got := x.Candidates[len(set)-1-i].Origin.Layer; got != layer {
				t.Fatalf("candidate %d is of %s, want %s", i, got, layer)
			}
		}
		if len(set) > 0 && (c.Value(key) != string(set[len(set)-1]) || c.Origin(key).Layer != set[len(set)-1]) {
			t.Fatalf("%v from %s, set in %v", c.Value(key), c.Origin(key).Layer, set)
		}
	})
	for i, layer := range layerOrder {
		if layerRank(layer) != i {
			t.Errorf("%s has no place of its own", layer)
		}
	}
}

// lines are settings as a file or a flag may have them.
var lines = []string{
	`model = "m"`, `sandbox_mode = "workspace-write"`, `approval_policy = { granular = { sandbox_approval = true, rules = false, mcp_elicitations = true } }`,
	`web_search = "live"`, `notify = ["a", "b"]`, `history.max_bytes = 7`, `history = { persistence = "none" }`, `features.network_proxy = true`,
	`features.network_proxy.domains = { "a.example" = "allow" }`, `shell_environment_policy.set = { A = "1" }`, `otel.exporter = { otlp-http = { endpoint = "http://x", headers = { k = "v" } } }`,
	`otel.exporter = "none"`, `permissions.w.filesystem = { "/x" = "read" }`, `sandbox_workspace_write.writable_roots = ["/a"]`, `model_context_window = 1_000`, `tui = { x = [1.5, 1979-05-27] }`,
}

// A -c flag means what the same text in a file means: a profile file, the strongest that nothing else is laid over here.
func TestOverrideEqualsTheSameTextInAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := map[string]string{userFile: strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(lines), 0, 1, rapid.ID[string]).Draw(t, "base"), "\n")}
		line := rapid.SampledFrom(lines).Draw(t, "line")
		flag := options(base)
		flag.Overrides = []string{line}
		file := options(base)
		file.FS.(memFS)[strings.TrimPrefix(caseCodexHome, "/")+"/p.config.toml"] = line + "\n"
		file.Profile = "p"
		a, _, errA := Load(flag)
		b, _, errB := Load(file)
		if errA != nil || errB != nil {
			t.Fatalf("%v / %v", errA, errB)
		}
		if x, y := canonical(a.final.plain()), canonical(b.final.plain()); x != y || a.Digest() != b.Digest() {
			t.Fatalf("as a flag %s\nin a file %s", x, y)
		}
	})
}

// Every origin names a layer, and a file of it, in which that key is really written.
func TestOriginsNameWhatSetsTheKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]string{userFile: trustText}
		for _, file := range everyFile[:5] {
			for _, line := range rapid.SliceOfNDistinct(rapid.SampledFrom(lines), 0, 2, func(l string) string { k, _, _ := strings.Cut(l, "."); return k[:3] }).Draw(t, file) {
				files[file] = line + "\n" + files[file]
			}
		}
		files[requirementsFile] = rapid.SampledFrom([]string{"", "allowed_sandbox_modes=[\"read-only\"]\n[otel]\nlog_user_prompt=false\nexporter=\"none\"", "[features]\nhooks=false\n"}).Draw(t, "requirements")
		opts := options(files)
		opts.Profile = "p"
		opts.Overrides = rapid.SliceOfN(rapid.SampledFrom(lines), 0, 2).Draw(t, "-c")
		c, _, err := Load(opts)
		if err != nil {
			return
		}
		for _, s := range c.Origins() {
			if !writtenIn(t, c, opts, files, s) {
				t.Fatalf("%s = %v: %+v does not set it", s.Key, s.Value, s.Origin)
			}
		}
	})
}

func writtenIn(t *rapid.T, c *Config, opts Options, files map[string]string, s Setting) bool {
	segs, err := splitKey(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	switch s.Origin.Layer {
	case LayerDefault:
		return s.Origin.File == ""
	case LayerCommand:
		return s.Key == "approval_policy"
	case LayerFlag:
		return slices.ContainsFunc(opts.Overrides, func(arg string) bool {
			n, err := parseOverride(arg)
			normalise(n)
			return err == nil && n.find(segs...) != nil || pairedKey(s.Key) && err == nil && n.find(pairOf(s.Key)) != nil
		})
	}
	doc, err := parseDocument([]byte(files[s.Origin.File]), s.Origin.Layer, s.Origin.File)
	if err != nil {
		t.Fatal(err)
	}
	normalise(doc)
	if s.Origin.Layer == LayerRequirements {
		rule := strings.Split(s.Constraint.Rule, ".")
		if s.Origin.File == managedConfigFile { // its settings, reread as rules
			rule = []string{map[string]string{"allowed_approval_policies": "approval_policy", "allowed_sandbox_modes": "sandbox_mode"}[rule[0]]}
		}
		return doc.find(rule...) != nil
	}
	return doc.find(segs...) != nil || pairedKey(s.Key) && doc.find(pairOf(s.Key)) != nil
}

// The mode and the profile are two words for one choice: either may be written.
func pairedKey(key string) bool { return key == "sandbox_mode" || key == "default_permissions" }

func pairOf(key string) string {
	if key == "sandbox_mode" {
		return "default_permissions"
	}
	return "sandbox_mode"
}
