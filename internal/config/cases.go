package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// testCase is one line of kind config of a case file.
type testCase struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Command  string            `json:"command"`
	Files    map[string]string `json:"files"`
	Flags    []string          `json:"flags"`
	Env      map[string]string `json:"env"`
	Cwd      string            `json:"cwd"`
	Hostname string            `json:"hostname"`
	Expected caseExpectation   `json:"expected"`
}

type caseExpectation struct {
	Exit          *int           `json:"exit"`
	Effective     map[string]any `json:"effective"`
	Warnings      *[]caseFinding `json:"warnings"` // nil = not compared
	Errors        []caseFinding  `json:"errors"`
	ErrorContains []string       `json:"error_contains"`
}

// caseFinding is matched by field and source; kind is a comment.
type caseFinding struct {
	Field  string `json:"field"`
	Source string `json:"source"`
}

// Places inside the private root of a case.
const (
	caseHome      = "/home/user"
	caseCodexHome = "/home/user/.codex"
	caseWorkspace = "/ws"
)

// caseOutcome is what a case produced, comparable with its expectation.
type caseOutcome struct {
	Exit      int            `json:"exit"`
	Effective map[string]any `json:"effective,omitempty"`
	Warnings  []string       `json:"warnings,omitempty"`
	Error     string         `json:"error,omitempty"`

	warnings []Warning
	errs     []*Error
}

// RunCase runs one line of kind config: the files are laid out in a private root
// in memory, flags are parsed and Load runs with nothing else around it. got and
// want are JSON for a person. err means the line cannot be read.
func RunCase(line []byte) (id string, pass bool, got, want string, err error) {
	var tc testCase
	if err := json.Unmarshal(line, &tc); err != nil {
		return "", false, "", "", fmt.Errorf("read config case: %w", err)
	}
	if tc.Kind != "config" {
		return tc.ID, false, "", "", fmt.Errorf("read case %q: kind is %q, expected \"config\"", tc.ID, tc.Kind)
	}
	out := tc.run()
	problems := tc.compare(&out)
	gotJSON, err := json.Marshal(struct {
		caseOutcome
		Problems []string `json:"problems,omitempty"`
	}{out, problems})
	if err != nil {
		return tc.ID, false, "", "", fmt.Errorf("encode result of case %q: %w", tc.ID, err)
	}
	var raw struct{ Expected json.RawMessage }
	if err := json.Unmarshal(line, &raw); err != nil {
		return tc.ID, false, "", "", fmt.Errorf("read config case: %w", err)
	}
	return tc.ID, len(problems) == 0, string(gotJSON), string(raw.Expected), nil
}

// place is a path of the case file inside the private root.
func (tc *testCase) place(p string) string {
	for _, v := range [][2]string{{"$CODEX_HOME", caseCodexHome}, {"$HOME", caseHome}, {"~", caseHome},
		{"$PROJECT", caseWorkspace}, {"$WORKSPACE", caseWorkspace}, {"$WS", caseWorkspace}, {"$CWD", caseWorkspace}} {
		if rest, ok := strings.CutPrefix(p, v[0]); ok && (rest == "" || rest[0] == '/') {
			return path.Join(v[1], rest)
		}
	}
	return below(caseWorkspace, p)
}

func (tc *testCase) environ() map[string]string {
	env := map[string]string{"HOME": caseHome, "CODEX_HOME": caseCodexHome, "PATH": "/usr/bin:/bin", "USER": "user",
		"LANG": "C.UTF-8", "ARV_PLAIN": "plain", "ARV_API_KEY": "key", "ARV_SECRET": "secret", "ARV_TOKEN": "token"}
	for name := range tc.Expected.Effective { // what a case asks about, the caller has
		v, ok := strings.CutPrefix(name, "env.")
		if _, known := env[v]; ok && !known && !strings.HasPrefix(v, "CODEX_") {
			env[v] = "inherited"
		}
	}
	for k, v := range tc.Env {
		env[k] = v
	}
	return env
}

func (tc *testCase) run() caseOutcome {
	root := memFS{"ws/.git/HEAD": "ref: refs/heads/main\n"}
	for name, content := range tc.Files {
		root[strings.TrimPrefix(tc.place(name), "/")] = content
	}
	env := tc.environ()
	opts := Options{FS: root, Cwd: tc.place(tc.Cwd), Hostname: tc.Hostname, Headless: tc.Command == "exec" || tc.Command == "",
		LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}
	if slices.Contains(tc.Flags, fullAutoFlag) { // the cases have the CLI's command line, which dropped it
		return caseOutcome{Exit: 2, Error: fullAutoFlag + ": unknown flag"}
	}
	if _, err := ParseFlags(tc.Flags, &opts); err != nil {
		return caseOutcome{Exit: 2, Error: err.Error()}
	}
	cfg, warnings, err := Load(opts)
	out := caseOutcome{warnings: warnings}
	for _, w := range warnings {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%s %s %s", w.Kind, w.Key, tc.portable(w.Source())))
	}
	if err != nil {
		out.Exit, out.Error, out.errs = 1, tc.portable(err.Error()), Problems(err)
		var usage *UsageError
		if errors.As(err, &usage) {
			out.Exit = 2
		}
		return out
	}
	out.Effective = map[string]any{}
	for name := range tc.Expected.Effective {
		out.Effective[name] = effectiveValue(cfg, name, env)
	}
	return out
}

// portable writes private places as the case file does.
func (tc *testCase) portable(s string) string {
	return strings.ReplaceAll(s, caseCodexHome, "$CODEX_HOME")
}

// effectiveValue answers a name of "effective": a few words of the case files,
// else a configuration key.
func effectiveValue(c *Config, name string, env map[string]string) any {
	if v, ok := strings.CutPrefix(name, "env."); ok {
		return c.variable(v, env)
	}
	if segs, err := splitKey(name); err == nil && len(segs) == 3 && segs[0] == "mcp_servers" && segs[2] == "enabled" {
		s, configured := c.MCPServers[segs[1]]
		return configured && s.IsEnabled()
	}
	switch name {
	case "network_access":
		return c.NetworkAccess()
	case "deny_read":
		return c.DenyRead
	case "approval_policy":
		return plainApproval(c.ApprovalPolicy)
	case "reviewer_policy_section":
		return c.AutoReview.Policy
	case "reviewer_extra_policy", "guardian_extra_policy":
		return c.AutoReview.ExtraPolicy
	case "trust", "trust_level":
		return string(c.Trust)
	case "permission_profile":
		return c.PermissionProfile
	case "web_search_mode":
		return string(c.WebSearch)
	default:
		return c.Value(name)
	}
}

// variable is the word absent, or the value a command would see.
func (c *Config) variable(name string, env map[string]string) string {
	var environ []string
	for k, v := range env {
		environ = append(environ, k+"="+v)
	}
	for _, kv := range c.ShellEnvironmentPolicy.Apply(environ) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	switch {
	case name == "CODEX_SANDBOX_NETWORK_DISABLED" && !c.NetworkAccess():
		return "1"
	case name == "CODEX_THREAD_ID":
		return "thread"
	}
	return "absent"
}

// compare lists what does not hold and completes the outcome for display.
func (tc *testCase) compare(out *caseOutcome) []string {
	var problems []string
	if want := tc.Expected.Exit; want != nil && *want != out.Exit {
		problems = append(problems, fmt.Sprintf("exit %d, want %d", out.Exit, *want))
	}
	for _, name := range sortedKeys(tc.Expected.Effective) {
		want, got := tc.Expected.Effective[name], out.Effective[name]
		if want == "present" && strings.HasPrefix(name, "env.") && got != "absent" && got != nil {
			continue
		}
		if on, ok := want.(bool); ok && !sameSwitch(got, on) || !ok && canonical(got) != canonical(want) {
			problems = append(problems, fmt.Sprintf("%s is %s, want %s", name, canonical(got), canonical(want)))
		}
	}
	for _, word := range tc.Expected.ErrorContains {
		if !strings.Contains(out.Error, word) && !strings.Contains(out.Error, tc.portable(tc.place(word))) {
			problems = append(problems, fmt.Sprintf("error does not contain %q", word))
		}
	}
	for _, f := range tc.Expected.Errors {
		if !slices.ContainsFunc(out.errs, func(e *Error) bool { return tc.sameError(e, f) }) {
			problems = append(problems, fmt.Sprintf("no error about %s from %s", f.Field, f.Source))
		}
	}
	return append(problems, tc.compareWarnings(out.warnings)...)
}

// sameSwitch also reads a feature table by its enabled key.
func sameSwitch(got any, want bool) bool {
	if t, ok := got.(map[string]any); ok {
		got = t["enabled"]
	}
	return got == want
}

// compareWarnings wants a partner for every expected warning, and an expectation
// for every warning that is no advice (a note, a deprecation): the CLI the cases
// describe gives none. Unknown keys of one file count as one.
func (tc *testCase) compareWarnings(warnings []Warning) []string {
	if tc.Expected.Warnings == nil {
		return nil
	}
	var problems []string
	for _, f := range *tc.Expected.Warnings {
		if !slices.ContainsFunc(warnings, func(w Warning) bool { return tc.sameWarning(w, f) }) {
			problems = append(problems, fmt.Sprintf("no warning about %s from %s", f.Field, f.Source))
		}
	}
	for _, w := range warnings {
		expected := slices.ContainsFunc(*tc.Expected.Warnings, func(f caseFinding) bool {
			return tc.sameWarning(w, f) || w.Kind == WarnUnknownKey && slices.ContainsFunc(warnings, func(o Warning) bool {
				return o.Kind == w.Kind && o.File == w.File && tc.sameWarning(o, f)
			})
		})
		if w.Kind != WarnNote && w.Kind != WarnDeprecated && !expected {
			problems = append(problems, fmt.Sprintf("unexpected warning %s about %s from %s", w.Kind, w.Key, w.Source()))
		}
	}
	return problems
}

func (tc *testCase) sameWarning(w Warning, f caseFinding) bool {
	keys := append([]string{w.Key}, w.Keys...)
	return slices.ContainsFunc(keys, func(k string) bool { return sameField(k, f.Field) }) && tc.sameSource(w.Source(), f.Source)
}

func (tc *testCase) sameError(e *Error, f caseFinding) bool {
	return (sameField(e.Key, f.Field) || strings.Contains(e.Error(), f.Field)) && tc.sameSource(e.File, f.Source)
}

// sameField knows that Codex names two fields otherwise in its texts.
func sameField(key, field string) bool {
	switch field {
	case "permission_profile":
		field = "sandbox_mode"
	case "web_search_mode":
		field = "web_search"
	}
	return field == "" || key == field || strings.HasPrefix(key, field+".")
}

// sameSource compares paths; anything that is no path means a flag.
func (tc *testCase) sameSource(source, want string) bool {
	if want == "" {
		return true
	}
	if strings.Contains(want, "/") {
		return source == tc.place(want)
	}
	return strings.HasPrefix(source, "-")
}
