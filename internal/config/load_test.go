//go:build unix

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const userFile = caseCodexHome + "/config.toml"

// options is a private root with the given files, absolute path to text.
func options(files map[string]string) Options {
	root := memFS{}
	for name, data := range files {
		root[strings.TrimPrefix(name, "/")] = data
	}
	env := map[string]string{"HOME": caseHome}
	return Options{FS: root, Cwd: caseWorkspace, Headless: true,
		LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}
}

func mustLoad(t *testing.T, opts Options) (*Config, []Warning) {
	t.Helper()
	c, w, err := Load(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c, w
}

func TestOriginOfEveryLayer(t *testing.T) {
	opts := options(map[string]string{
		"/etc/codex/config.toml":         "review_model=\"s\"\nmodel=\"s\"",
		userFile:                         "\nmodel=\"u\"\nmodel_verbosity=\"low\"\n[projects.\"/ws\"]\ntrust_level=\"trusted\"\n[profiles.p]\nmodel_verbosity=\"high\"",
		"/ws/.codex/config.toml":         "model=\"p\"",
		"/etc/codex/managed_config.toml": "model_reasoning_effort=\"low\"",
		"/etc/codex/requirements.toml":   "\n\nallow_login_shell=false",
	})
	opts.Profile, opts.Overrides = "p", []string{"developer_instructions=x"}
	opts.Flags = []Flag{{Key: "sandbox_mode", Value: "read-only", Name: "-s"}}
	c, _ := mustLoad(t, opts)
	for key, want := range map[string]Origin{
		"otel.environment":       {Layer: LayerDefault},
		"review_model":           {LayerSystem, "/etc/codex/config.toml", 1, 1},
		`projects."/ws"`:         {LayerUser, userFile, 5, 1},
		"model_verbosity":        {LayerProfile, userFile, 7, 1},
		"model":                  {LayerProject, "/ws/.codex/config.toml", 1, 1},
		"developer_instructions": {LayerFlag, "-c", 0, 0},
		"sandbox_mode":           {LayerFlag, "-s", 0, 0},
		"model_reasoning_effort": {LayerManaged, "/etc/codex/managed_config.toml", 1, 1},
		"approval_policy":        {Layer: LayerCommand},
		"allow_login_shell":      {LayerRequirements, "/etc/codex/requirements.toml", 3, 1},
		"no.such":                {},
	} {
		if got := c.Origin(key); got != want {
			t.Errorf("origin of %s is %+v, want %+v", key, got, want)
		}
	}
	for _, s := range c.Origins() {
		if strings.HasPrefix(s.Key, "profiles.") {
			t.Errorf("%s is listed as effective", s.Key)
		}
	}
	x := c.Explain("model")
	want := []Setting{
		{Key: "model", Value: "p", Origin: Origin{LayerProject, "/ws/.codex/config.toml", 1, 1}},
		{Key: "model", Value: "u", Origin: Origin{LayerUser, userFile, 2, 1}},
		{Key: "model", Value: "s", Origin: Origin{LayerSystem, "/etc/codex/config.toml", 2, 1}},
	}
	if d := cmp.Diff(want, x.Candidates); d != "" || x.Value != "p" || x.Constraint != nil {
		t.Errorf("explain model: %+v\n%s", x, d)
	}
	if x := c.Explain("allow_login_shell"); x.Constraint == nil || x.Constraint.Rule != "allow_login_shell" || x.Constraint.Configured != true {
		t.Errorf("explain allow_login_shell: %+v", x.Constraint)
	}
	if x := c.Explain("approval_policy"); x.Constraint == nil || x.Constraint.Rule != "headless" {
		t.Errorf("explain approval_policy: %+v", x.Constraint)
	}
}

func TestSecretsAreMaskedEverywhereButOnTheWire(t *testing.T) {
	const secret = "s3cr3t-value"
	opts := options(map[string]string{userFile: `
[otel]
exporter = { otlp-http = { endpoint = "http://c", headers = { k = "` + secret + `" } } }
[shell_environment_policy]
set = { A = "` + secret + `" }
[model_providers.p]
base_url = "http://p"
experimental_bearer_token = "` + secret + `"
http_headers = { k = "` + secret + `" }
[mcp_servers.m]
command = "m"
env = { K = "` + secret + `" }`})
	c, _ := mustLoad(t, opts)
	if got := c.Otel.Exporter.Headers["k"].Reveal(); got != secret {
		t.Errorf("header is %q", got)
	}
	if c.ModelProviders["p"].BearerToken.Reveal() != secret || c.MCPServers["m"].Env["K"].Reveal() != secret {
		t.Error("a secret was lost")
	}
	for name, v := range map[string]any{"origins": c.Origins(), "otel": c.Value("otel"), "explain": c.Explain("mcp_servers.m"),
		"provider": c.ModelProviders, "server": c.MCPServers, "exporter": c.Otel} {
		for _, text := range []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), canonical(v)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows the secret: %s", name, text)
			}
		}
	}
}

// A folder must not inherit trust by merely naming a trusted repository.
func TestWorktreeInheritsTrustOnlyWhenNamedBack(t *testing.T) {
	files := map[string]string{
		userFile:                        "[projects.\"/main\"]\ntrust_level=\"trusted\"",
		"/main/.git/worktrees/w/gitdir": "/ws/.git\n",
		"/ws/.git":                      "gitdir: /main/.git/worktrees/w\n",
	}
	if c, _ := mustLoad(t, options(files)); c.Trust != Trusted || c.SandboxMode != WorkspaceWrite {
		t.Errorf("worktree: trust %q, mode %q", c.Trust, c.SandboxMode)
	}
	files["/main/.git/worktrees/w/gitdir"] = "/elsewhere/.git\n"
	if c, _ := mustLoad(t, options(files)); c.Trust != TrustUndecided || c.SandboxMode != ReadOnly {
		t.Errorf("impostor: trust %q, mode %q", c.Trust, c.SandboxMode)
	}
}

func TestHomes(t *testing.T) {
	for _, tt := range []struct {
		env            map[string]string
		codex, proctor string
		fails          string
	}{
		{map[string]string{"HOME": "/h"}, "/h/.codex", "/h/.local/state/proctor", ""},
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/x"}, "/h/.codex", "/x/proctor", ""},
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "relative"}, "/h/.codex", "/h/.local/state/proctor", ""},
		{map[string]string{"CODEX_HOME": "/c/", "PROCTOR_HOME": "/p"}, "/c", "/p", ""},
		{map[string]string{}, "", "", "HOME"},
		{map[string]string{"HOME": "/h", "CODEX_HOME": "relative"}, "", "", "CODEX_HOME"},
	} {
		c, _, err := Load(Options{FS: memFS{}, Cwd: "/ws", LookupEnv: func(k string) (string, bool) { v, ok := tt.env[k]; return v, ok }})
		if tt.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("%v: error %v does not name %s", tt.env, err, tt.fails)
			}
			continue
		}
		if err != nil || c.CodexHome != tt.codex || c.ProctorHome != tt.proctor {
			t.Errorf("%v: %v %+v", tt.env, err, c)
		}
	}
}

func TestProctorFile(t *testing.T) {
	file := caseHome + "/.local/state/proctor/proctor.toml"
	c, _ := mustLoad(t, options(map[string]string{file: "[ledger]\ndir=\"l\"\n[export]\nbatch_delay=\"250ms\"\n[sandbox]\nbackend=\"native\"\n[sandbox.limits]\nprocesses=64"}))
	want := Proctor{
		Bus: ProctorBus{Replicas: 3, Keep: 7 * Day},
		Ledger: ProctorLedger{Dir: caseHome + "/.local/state/proctor/l", KeyFile: caseHome + "/.local/state/proctor/keys/ledger.key", MinFreeBytes: 64 << 20,
			Heartbeat: 5 * time.Minute, Witness: ProctorWitness{URLs: []string{}, Keys: []string{}, Quorum: 1, Timeout: 10 * time.Second}},
		Export:    ProctorExport{BatchRecords: 512, BatchDelay: 250 * time.Millisecond, ExitTimeout: 5 * time.Second, DeltaRecords: true},
		Sandbox:   ProctorSandbox{Backend: "native", RecordDenials: true, Limits: ProctorLimits{Processes: 64, Allocation: 1 << 30, OpenFiles: 1 << 16}},
		Network:   ProctorNetwork{OnMiss: "continue"},
		Redact:    ProctorRedact{Level: "standard", Capture: "mask", Rules: []string{}},
		Approvals: ProctorApprovals{People: 1, Wait: 10 * time.Minute},
		Hooks:     ProctorHooks{OnFailure: "closed"},
		Review: ProctorReview{Tools: true, ToolCalls: 8, Deadline: 90 * time.Second,
			ReviewThresholds: ReviewThresholds{MaxRisk: "high", MediumNeeds: "unknown", HighNeeds: "medium"}},
	}
	if d := cmp.Diff(want, c.Proctor); d != "" {
		t.Error(d)
	}
	_, _, err := Load(options(map[string]string{file: "[sandbox]\nbackend=\"docker\""}))
	if err == nil || !strings.Contains(err.Error(), file+":2:1: sandbox.backend") {
		t.Errorf("error is %v", err)
	}
}

// The real file system: a pipe or a folder instead of a file must not hang the
// start, and a missing file is no error.
func TestRealFiles(t *testing.T) {
	root := t.TempDir()
	opts := Options{FS: os.DirFS(root), Cwd: "/ws", LookupEnv: func(k string) (string, bool) { return "/h", k == "HOME" }}
	mustLoad(t, opts)
	dir := filepath.Join(root, "h", ".codex")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "config.toml"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Load(opts)
	if err == nil || !strings.Contains(err.Error(), "/h/.codex/config.toml: not a regular file") {
		t.Errorf("pipe: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(root, "h")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "h"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, opts) // HOME is a file: there is no configuration below it
}

// failingFS refuses one file, as a disk or a permission would.
type failingFS struct {
	memFS
	name string
}

func (f failingFS) Stat(name string) (fs.FileInfo, error) {
	if name == f.name {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrPermission}
	}
	return f.memFS.Stat(name)
}

func TestUnreadableLayerStopsTheStart(t *testing.T) {
	for _, file := range []string{userFile, "/etc/codex/requirements.toml", "/etc/codex/managed_config.toml", "/etc/codex/config.toml"} {
		opts := options(nil)
		opts.FS = failingFS{memFS: memFS{}, name: strings.TrimPrefix(file, "/")}
		_, _, err := Load(opts)
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error is %v", file, err)
		}
	}
}

func TestTypedRequirements(t *testing.T) {
	c, _ := mustLoad(t, options(map[string]string{"/etc/codex/requirements.toml": `
guardian_extra_policy = "extra"
[rules]
prefix_rules = [{pattern=[{token="git"},{any_of=["push","pull"]}], decision="prompt-user", justification="j"}]
[experimental_network]
enabled = true
allowed_domains = ["a.example", "b.example"]
denied_domains = ["b.example"]
http_port = 4000
`}))
	r := c.Requirements
	if len(r.Rules) != 1 {
		t.Fatalf("%d rules", len(r.Rules))
	}
	want := PrefixRule{Pattern: [][]string{{"git"}, {"push", "pull"}}, Decision: "prompt-user", Justification: "j",
		Origin: Origin{LayerRequirements, "/etc/codex/requirements.toml", 4, r.Rules[0].Origin.Column}}
	if d := cmp.Diff(want, r.Rules[0]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"a.example": "allow", "b.example": "deny"}, r.Network.Domains); d != "" {
		t.Error(d)
	}
	if !r.Network.Present || !*r.Network.Enabled || *r.Network.HTTPPort != 4000 || c.AutoReview.ExtraPolicy != "extra" {
		t.Errorf("%+v", r.Network)
	}
}

func TestOtelTable(t *testing.T) {
	opts := options(map[string]string{userFile: `
[otel]
environment = "prod"
log_user_prompt = true
tool_result.max_bytes = 10
span_attributes = { a = "b" }
tracestate.example.alpha = "one"
trace_exporter = { otlp-grpc = { endpoint = "http://t:4317", headers = { a = "x${V}y$z" }, tls = { ca-certificate = "/ca" } } }
exporter = { otlp-http = { endpoint = "http://l", compression = "gzip" } }`})
	opts.LookupEnv = func(k string) (string, bool) {
		return map[string]string{"HOME": caseHome, "V": "1"}[k], k == "HOME" || k == "V"
	}
	c, _ := mustLoad(t, opts)
	want := Otel{Environment: "prod", Compat: "codex", LogUserPrompt: true, LogSSEDeltas: true, ToolResult: OtelToolResult{MaxBytes: 10},
		SpanAttributes: map[string]string{"a": "b"}, Tracestate: map[string]map[string]string{"example": {"alpha": "one"}},
		Exporter: Exporter{Kind: ExporterOTLPHTTP, Endpoint: "http://l", Protocol: "binary", Compression: "gzip"},
		TraceExporter: Exporter{Kind: ExporterOTLPGRPC, Endpoint: "http://t:4317", Headers: map[string]Secret{"a": "x1y$z"},
			TLS: ExporterTLS{CACertificate: "/ca"}},
		MetricsExporter: Exporter{Kind: ExporterNone}}
	if d := cmp.Diff(want, c.Otel); d != "" {
		t.Error(d)
	}
}

// A collector's headers must not follow another collector's address.
func TestExporterKindsDoNotMix(t *testing.T) {
	opts := options(map[string]string{userFile: `otel.exporter = { otlp-http = { endpoint = "http://a", headers = { k = "v" } } }`})
	opts.Overrides = []string{`otel.exporter={otlp-grpc={endpoint="http://b"}}`}
	c, _ := mustLoad(t, opts)
	if d := cmp.Diff(Exporter{Kind: ExporterOTLPGRPC, Endpoint: "http://b"}, c.Otel.Exporter); d != "" {
		t.Error(d)
	}
}

func TestBuiltInProviders(t *testing.T) {
	c, _ := mustLoad(t, options(map[string]string{userFile: "[model_providers.ollama]\nrequest_max_retries = 1"}))
	if p := c.ModelProviders[ProviderOllama]; p.BaseURL != "http://localhost:11434/v1" || p.RequestMaxRetries != 1 || p.StreamMaxRetries != 5 || p.EnvKey != "" {
		t.Errorf("ollama: %+v", p)
	}
	if p := c.ModelProviders[ProviderLMStudio]; p.BaseURL != "http://localhost:1234/v1" {
		t.Errorf("lmstudio: %+v", p)
	}
	if c.ModelProvider.EnvKey != "OPENAI_API_KEY" || c.Model == "" {
		t.Errorf("selected: %+v, model %q", c.ModelProvider, c.Model)
	}
}

func TestAddDirsAppend(t *testing.T) {
	opts := options(map[string]string{userFile: "[sandbox_workspace_write]\nwritable_roots=[\"~/a\"]"})
	opts.AddDirs = []string{"/b"}
	c, _ := mustLoad(t, opts)
	if d := cmp.Diff([]string{caseHome + "/a", "/b"}, c.SandboxWorkspaceWrite.WritableRoots); d != "" {
		t.Error(d)
	}
}

func TestDigestFollowsPolicyOnly(t *testing.T) {
	base, _ := mustLoad(t, options(nil))
	same, _ := mustLoad(t, options(map[string]string{userFile: "model=\"other\"\n[otel]\nenvironment=\"x\""}))
	if base.Digest() != same.Digest() || len(base.Digest()) != 64 {
		t.Errorf("digests %q and %q differ", base.Digest(), same.Digest())
	}
	profiles := "[permissions.a]\nextends=\":workspace\"\n[permissions.b]\nextends=\":workspace\"\nnetwork={enabled=true}"
	a, _ := mustLoad(t, options(map[string]string{userFile: "default_permissions=\"a\"\n" + profiles}))
	b, _ := mustLoad(t, options(map[string]string{userFile: "default_permissions=\"b\"\n" + profiles}))
	if a.Digest() == b.Digest() {
		t.Error("the selected profile does not change the digest")
	}
	for _, text := range []string{`web_search="live"`, `sandbox_mode="workspace-write"`, "allow_login_shell=false",
		"[features.network_proxy.domains]\n\"a\"=\"allow\"", "[shell_environment_policy]\ninherit=\"core\"", "[auto_review]\npolicy=\"p\""} {
		other, _ := mustLoad(t, options(map[string]string{userFile: text}))
		if other.Digest() == base.Digest() {
			t.Errorf("%s does not change the digest", text)
		}
	}
}

// The example of the security document.
func TestDocumentProfile(t *testing.T) {
	c, _ := mustLoad(t, options(map[string]string{userFile: `
default_permissions = "workspace"
[permissions.workspace.filesystem]
":project_roots" = { "." = "write", "**/*.env" = "none" }
"~/data" = "read"
glob_scan_max_depth = 3`}))
	want := ProfileFilesystem{GlobScanMaxDepth: 3, Entries: []FilesystemEntry{
		{Path: caseHome + "/data", Access: AccessRead}, {Path: ":project_roots", Sub: "**/*.env", Access: AccessDeny}, {Path: ":project_roots", Access: AccessWrite}}}
	got := c.Permissions["workspace"].Filesystem
	slices.SortFunc(got.Entries, func(a, b FilesystemEntry) int {
		return strings.Compare(a.Path+string(a.Access), b.Path+string(b.Access))
	})
	if d := cmp.Diff(want, got); d != "" || c.SandboxMode != WorkspaceWrite || c.PermissionProfile != "workspace" {
		t.Errorf("mode %q, profile %q\n%s", c.SandboxMode, c.PermissionProfile, d)
	}
}
