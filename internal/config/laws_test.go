//go:build unix

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	policyWords = []string{"untrusted", "on-request", "never"}
)

// setting draws an optional "key = value" line.
func setting(t *rapid.T, key string, values []string) string {
	i := rapid.IntRange(-1, len(values)-1).Draw(t, key)
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("%s = %q\n", key, values[i])
}

// allowedList draws an optional requirement over words; always is in every list.
func allowedList(t *rapid.T, key string, words []string, always ...string) (line string, allowed []string) {
	if !rapid.Bool().Draw(t, key+" set") {
		return "", nil
	}
	allowed = append(allowed, always...)
	for _, w := range words {
		if !slices.Contains(allowed, w) && rapid.Bool().Draw(t, key+" "+w) {
			allowed = append(allowed, w)
		}
	}
	if len(allowed) == 0 {
		allowed = words[:1]
	}
	return fmt.Sprintf("%s = [%s]\n", key, quoteAll(allowed)), allowed
}

// Requirements only narrow: whatever the layers say, the result is inside every
// allowed list, and never wider than without requirements.
func TestRequirementsOnlyNarrow(t *testing.T) {
	modes := []string{"read-only", "workspace-write", "danger-full-access"}
	rapid.Check(t, func(t *rapid.T) {
		layerText := func(name string) string {
			return rapid.Custom(func(t *rapid.T) string {
				return setting(t, "sandbox_mode", modes) + setting(t, "approval_policy", policyWords) +
					setting(t, "approvals_reviewer", []string{"user", "auto_review"}) + setting(t, "web_search", webSearchWords) +
					setting(t, "default_permissions", []string{":read-only", ":workspace", ":danger-full-access", "wide"}) +
					"[permissions.wide.filesystem]\n\":root\"=\"write\"\n"
			}).Draw(t, name)
		}
		modesLine, allowedModes := allowedList(t, "allowed_sandbox_modes", modes, "read-only")
		policiesLine, allowedPolicies := allowedList(t, "allowed_approval_policies", policyWords)
		reviewersLine, allowedReviewers := allowedList(t, "allowed_approvals_reviewers", []string{"user", "auto_review"})
		searchLine, allowedSearch := allowedList(t, "allowed_web_search_modes", webSearchWords)
		deny := ""
		if rapid.Bool().Draw(t, "deny") {
			deny = "[permissions.filesystem]\ndeny_read=[\"/etc/shadow\"]\n"
		}
		files := map[string]string{userFile: layerText("user"), "/etc/codex/config.toml": layerText("system")}
		opts := options(files)
		opts.Headless = rapid.Bool().Draw(t, "headless")
		if rapid.Bool().Draw(t, "flag") {
			opts.Flags = []Flag{{Key: "sandbox_mode", Value: rapid.SampledFrom(modes).Draw(t, "-s"), Name: "-s"}}
		}
		free, _, err := Load(opts)
		if err != nil {
			t.Fatalf("without requirements: %v", err)
		}
		with := map[string]string{"/etc/codex/requirements.toml": modesLine + policiesLine + reviewersLine + searchLine + deny}
		for k, v := range files {
			with[k] = v
		}
		opts.FS = options(with).FS
		c, _, err := Load(opts)
		if err != nil {
			return // refused is narrow enough
		}
		inside := func(what, got string, allowed []string) {
			if allowed != nil && !slices.Contains(allowed, got) {
				t.Fatalf("%s is %q, allowed are %q", what, got, allowed)
			}
		}
		inside("sandbox_mode", string(c.SandboxMode), allowedModes)
		inside("approval_policy", c.ApprovalPolicy.String(), allowedPolicies)
		inside("approvals_reviewer", string(c.ApprovalsReviewer), allowedReviewers)
		if c.WebSearch != WebSearchDisabled {
			inside("web_search", string(c.WebSearch), allowedSearch)
		}
		if wider(c.SandboxMode, free.SandboxMode) {
			t.Fatalf("sandbox_mode went from %q to %q", free.SandboxMode, c.SandboxMode)
		}
		if deny != "" && (c.SandboxMode == DangerFullAccess || len(c.DenyRead) != 1) {
			t.Fatalf("deny_read is lost: %q %q", c.SandboxMode, c.DenyRead)
		}
		if c.Value("sandbox_mode") != string(c.SandboxMode) || c.Value("web_search") != string(c.WebSearch) {
			t.Fatalf("shown values differ from typed ones: %v %v", c.Value("sandbox_mode"), c.Value("web_search"))
		}
	})
}

func drawTree(t *rapid.T, depth int) any {
	if depth > 0 && rapid.Bool().Draw(t, "table") {
		m := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "size") {
			m[rapid.SampledFrom([]string{"a", "b", "exporter"}).Draw(t, "key")] = drawTree(t, depth-1)
		}
		return m
	}
	return rapid.Int64().Draw(t, "leaf")
}

// Laying the same document on twice changes nothing, the stronger one always
// shows through, and no argument is changed.
func TestMergeLaws(t *testing.T) {
	tree := rapid.Custom(func(t *rapid.T) *node {
		m := map[string]any{}
		for _, k := range []string{"a", "otel"} {
			m[k] = drawTree(t, 3)
		}
		return buildAt(m, Origin{})
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := tree.Draw(t, "a"), tree.Draw(t, "b"), tree.Draw(t, "c")
		before := canonical(a.plain()) + canonical(b.plain())
		ab := merge(a, b)
		if d := cmp.Diff(ab.plain(), merge(ab, b).plain()); d != "" {
			t.Fatalf("not idempotent: %s", d)
		}
		b.each(nil, func(path []string, leaf *node) {
			if d := cmp.Diff(leaf.plain(), ab.find(path...).plain()); d != "" {
				t.Fatalf("%v: %s", path, d)
			}
		})
		abc := merge(ab, c)
		if d := cmp.Diff(abc.plain(), merge(a, merge(b, c)).plain()); d != "" {
			t.Fatalf("not associative: %s", d)
		}
		var overwrite func(n *node)
		overwrite = func(n *node) {
			n.val = "x"
			for _, kid := range n.kids {
				overwrite(kid)
			}
			if n.isTable() {
				n.kids["new"] = &node{val: "x"}
			}
		}
		overwrite(abc)
		if canonical(a.plain())+canonical(b.plain()) != before {
			t.Fatal("merge changed its arguments")
		}
	})
}

func TestKeysRoundTrip(t *testing.T) {
	segment := rapid.StringMatching(`[a-zA-Z0-9_./ "\\é-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(segment, 1, 5).Draw(t, "segments")
		got, err := splitKey(formatKey(want))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q became %q: %v", want, got, err)
		}
	})
}

func TestShellEnvironmentOrder(t *testing.T) {
	environ := []string{"HOME=/h", "PATH=/p", "A_KEY=k", "b_secret=s", "C=c", "broken", "=odd"}
	for _, tt := range []struct {
		name   string
		policy ShellEnvironmentPolicy
		want   []string
	}{
		{"all", ShellEnvironmentPolicy{Inherit: "all", IgnoreDefaultExcludes: true}, []string{"A_KEY=k", "C=c", "HOME=/h", "PATH=/p", "b_secret=s"}},
		{"default excludes", ShellEnvironmentPolicy{}, []string{"C=c", "HOME=/h", "PATH=/p"}},
		{"core", ShellEnvironmentPolicy{Inherit: "core"}, []string{"HOME=/h", "PATH=/p"}},
		{"exclude, then set", ShellEnvironmentPolicy{Exclude: []string{"?OM*", "C"}, Set: map[string]string{"C": "mine", "X_TOKEN": "t"}}, []string{"C=mine", "PATH=/p", "X_TOKEN=t"}},
		{"include_only is last", ShellEnvironmentPolicy{Inherit: "none", Set: map[string]string{"C": "mine", "D": "d"}, IncludeOnly: []string{"d"}}, []string{"D=d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, tt.policy.Apply(environ)); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzOverride(f *testing.F) {
	for _, s := range []string{`a=1`, `a.b="c"`, `projects."/w s".trust_level='trusted'`, `a={b={c=[1,{d=2}]}}`, "a=\"x\"\nb=1",
		`="x"`, `a..b=1`, `a."b=1`, `a=[[[[`, `a = 2020-01-01T00:00:00Z`, `approval_policy={granular={rules=true}}`, `a="${X}"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		n, err := parseOverride(arg)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Error() == "" {
				t.Fatalf("error %v is no *Error with a text", err)
			}
			return
		}
		leaves := 0
		top := n
		for ; top.isTable() && len(top.kids) == 1; leaves++ { // one flag sets one key
			for _, kid := range top.kids {
				top = kid
			}
		}
		if leaves == 0 {
			t.Fatalf("%q sets nothing", arg)
		}
		c := checker{r: &report{}}
		normalise(n)
		c.validate(n, configSchema(), nil)
		n.each(nil, func(path []string, _ *node) {
			if len(path) > 3*maxDepth {
				t.Fatalf("depth %d", len(path))
			}
		})
	})
}

func FuzzLoad(f *testing.F) {
	f.Add("sandbox_mode=\"danger-full-access\"", "allowed_sandbox_modes=[\"read-only\"]", "")
	f.Add("[permissions.w]\nextends=\"w\"", "[permissions.filesystem]\ndeny_read=[\"/**\"]", "default_permissions=w")
	f.Add("[[a]]\n[[a.b]]\nc=[{d=1}]", "[rules]\nprefix_rules=[{pattern=[{any_of=[\"a\"]}],decision=\"prompt\"}]", "approval_policy={granular={}}")
	f.Add("otel.exporter={otlp-grpc={endpoint=\"x\",headers={a=\"${HOME}\"}}}", "otel.exporter=\"none\"", "otel.exporter.otlp-http.endpoint=y")
	f.Add("features.network_proxy=true", "[experimental_network]\nunix_sockets={\"/s\"=\"none\"}", "features.network_proxy.domains.\"*\"=\"allow\"")
	f.Fuzz(func(t *testing.T, user, requirements, override string) {
		opts := options(map[string]string{userFile: user, "/etc/codex/requirements.toml": requirements, "/etc/codex/managed_config.toml": override})
		opts.Overrides = []string{override}
		c, warnings, err := Load(opts)
		for _, w := range warnings {
			if strings.TrimSpace(w.String()) == "" {
				t.Fatalf("warning without words: %+v", w)
			}
		}
		if err != nil {
			if len(Problems(err)) == 0 {
				t.Fatalf("no *Error in %v", err)
			}
			return
		}
		if allowed := c.Requirements.AllowedSandboxModes; allowed != nil && !slices.Contains(allowed, c.SandboxMode) {
			t.Fatalf("mode %q outside %q", c.SandboxMode, allowed)
		}
		if c.ApprovalsReviewer != AutoReviewer && c.ApprovalPolicy.Mode != ApprovalNever && c.Requirements.AllowedApprovalPolicies == nil {
			t.Fatalf("a headless run asks: %q", c.ApprovalPolicy)
		}
		if len(c.Digest()) != 64 {
			t.Fatal("no digest")
		}
		for _, s := range c.Origins() {
			if c.Origin(s.Key) != s.Origin {
				t.Fatalf("origin of %s is %+v, listed as %+v", s.Key, c.Origin(s.Key), s.Origin)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	opts := options(map[string]string{
		userFile:                       "model=\"m\"\n[projects.\"/ws\"]\ntrust_level=\"trusted\"\n[otel]\nenvironment=\"x\"",
		"/etc/codex/requirements.toml": "allowed_sandbox_modes=[\"read-only\",\"workspace-write\"]",
	})
	for b.Loop() {
		if _, _, err := Load(opts); err != nil {
			b.Fatal(err)
		}
	}
}
