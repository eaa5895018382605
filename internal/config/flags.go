package config

import (
	"path"
	"slices"
	"strings"
)

// ParseFlags reads the configuration flags of `codex exec` into opts and returns
// the remaining words. Flags that concern something else (output, images) are
// accepted and skipped. A contradiction or an unknown flag is a *UsageError.
//
// It serves `proctor policy test` and callers without a flag library of their
// own; a command that parses flags itself fills Options and calls CheckFlags.
func ParseFlags(args []string, opts *Options) (rest []string, err error) {
	var names []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(rest, args[i+1:]...), CheckFlags(names)
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		name, value, inline := strings.Cut(arg, "=")
		if !strings.HasPrefix(arg, "--") && len(arg) > 2 { // -sread-only, -s=read-only
			name, value, inline = arg[:2], strings.TrimPrefix(arg[2:], "="), true
		}
		f, ok := flagTable[name]
		if !ok {
			return nil, &UsageError{Flag: name, Msg: "unknown flag"}
		}
		if f.refused != "" {
			return nil, &UsageError{Flag: name, Msg: f.refused}
		}
		if f.takesValue && !inline {
			if i++; i >= len(args) {
				return nil, &UsageError{Flag: name, Msg: "expected a value"}
			}
			value = args[i]
		}
		if !f.takesValue && inline {
			return nil, &UsageError{Flag: name, Msg: "takes no value"}
		}
		if f.words != nil && !slices.Contains(f.words, value) {
			return nil, &UsageError{Flag: name, Msg: "unknown value " + shown(value) + "; expected one of " + quoteAll(f.words)}
		}
		names = append(names, name)
		if f.apply != nil {
			f.apply(opts, name, value)
		}
	}
	return rest, CheckFlags(names)
}

// CheckFlags refuses flags, given by name as typed, that contradict each other.
func CheckFlags(names []string) error {
	for _, pair := range contradictions {
		i := slices.IndexFunc(names, func(n string) bool { return slices.Contains(pair[0], n) })
		j := slices.IndexFunc(names, func(n string) bool { return slices.Contains(pair[1], n) })
		if i >= 0 && j >= 0 {
			return &UsageError{Flag: names[i], Msg: "cannot be used together with " + names[j]}
		}
	}
	return nil
}

var (
	bypassFlags  = []string{"--dangerously-bypass-approvals-and-sandbox", "--yolo"}
	approveFlags = []string{"--approve-for-me"}
	sandboxFlags = []string{"-s", "--sandbox"}
	askFlags     = []string{"-a", "--ask-for-approval"}
	profileFlags = []string{"-P", "--permissions-profile", "--permission-profile"}

	contradictions = [][2][]string{
		{approveFlags, sandboxFlags}, {approveFlags, bypassFlags}, {approveFlags, askFlags},
		{bypassFlags, askFlags}, {sandboxFlags, profileFlags}, {approveFlags, profileFlags},
	}
)

type flagSpec struct {
	takesValue bool
	words      []string
	refused    string // why this flag is an error
	apply      func(opts *Options, name, value string)
}

// flagTable is what `codex exec` accepts, by spelling.
var flagTable = func() map[string]flagSpec {
	t := map[string]flagSpec{}
	add := func(s flagSpec, names ...string) {
		for _, n := range names {
			t[n] = s
		}
	}
	set := func(key string) func(*Options, string, string) {
		return func(o *Options, name, value string) {
			o.Flags = append(o.Flags, Flag{Key: key, Value: value, Name: name})
		}
	}
	add(flagSpec{takesValue: true, apply: func(o *Options, _, v string) { o.Overrides = append(o.Overrides, v) }}, "-c", "--config")
	add(flagSpec{takesValue: true, apply: set("model")}, "-m", "--model")
	add(flagSpec{takesValue: true, apply: set("sandbox_mode"),
		words: []string{string(ReadOnly), string(WorkspaceWrite), string(DangerFullAccess)}}, sandboxFlags...)
	add(flagSpec{takesValue: true, apply: set("approval_policy"),
		words: []string{string(ApprovalUntrusted), string(ApprovalOnFailure), string(ApprovalOnRequest), string(ApprovalNever)}}, askFlags...)
	add(flagSpec{takesValue: true, apply: set("default_permissions")}, profileFlags...)
	add(flagSpec{takesValue: true, apply: func(o *Options, _, v string) { o.Profile = v }}, "-p", "--profile")
	add(flagSpec{takesValue: true, apply: func(o *Options, _, v string) { o.Cwd = below(o.Cwd, v) }}, "-C", "--cd")
	add(flagSpec{takesValue: true, apply: func(o *Options, _, v string) { o.AddDirs = append(o.AddDirs, below(o.Cwd, v)) }}, "--add-dir")
	add(flagSpec{takesValue: true, apply: feature(true)}, "--enable")
	add(flagSpec{takesValue: true, apply: feature(false)}, "--disable")
	add(flagSpec{takesValue: true, apply: set("model_provider"), words: []string{ProviderOllama, ProviderLMStudio}}, "--local-provider")
	add(flagSpec{apply: func(o *Options, n, _ string) {
		o.Flags = append(o.Flags, Flag{Key: "model_provider", Value: ProviderOllama, Name: n})
	}}, "--oss")
	add(flagSpec{apply: func(o *Options, n, _ string) {
		o.Flags = append(o.Flags, Flag{Key: "web_search", Value: string(WebSearchLive), Name: n})
	}}, "--search")
	add(flagSpec{apply: func(o *Options, n, _ string) { o.Flags = append(o.Flags, ApproveForMe(n)...) }}, approveFlags...)
	add(flagSpec{apply: func(o *Options, n, _ string) { o.Flags = append(o.Flags, DangerouslyBypass(n)...) }}, bypassFlags...)
	add(flagSpec{apply: func(o *Options, _, _ string) { o.IgnoreUserConfig = true }}, "--ignore-user-config")
	add(flagSpec{apply: func(o *Options, _, _ string) { o.Strict = true }}, "--strict-config")
	add(flagSpec{apply: func(o *Options, _, _ string) { o.Trust = true }}, "--trust")
	add(flagSpec{}, "--skip-git-repo-check", "--json", "--ephemeral", "--ignore-rules", "--dangerously-bypass-hook-trust", "--no-alt-screen")
	add(flagSpec{takesValue: true}, "-i", "--image", "-o", "--output-last-message", "--output-schema", "--color")
	add(flagSpec{refused: "was removed; use -s workspace-write"}, "--full-auto")
	return t
}()

func below(cwd, dir string) string {
	if path.IsAbs(dir) {
		return path.Clean(dir)
	}
	return path.Join(cwd, dir)
}

func feature(on bool) func(*Options, string, string) {
	return func(o *Options, name, value string) {
		o.Flags = append(o.Flags, Flag{Key: formatKey([]string{"features", value}), Value: on, Name: name})
	}
}

// ApproveForMe is what --approve-for-me stands for.
func ApproveForMe(name string) []Flag {
	return []Flag{
		{Key: "approvals_reviewer", Value: string(AutoReviewer), Name: name},
		{Key: "approval_policy", Value: string(ApprovalOnRequest), Name: name},
		{Key: "sandbox_mode", Value: string(WorkspaceWrite), Name: name},
	}
}

// DangerouslyBypass is what --dangerously-bypass-approvals-and-sandbox stands for.
func DangerouslyBypass(name string) []Flag {
	return []Flag{
		{Key: "approval_policy", Value: string(ApprovalNever), Name: name},
		{Key: "sandbox_mode", Value: string(DangerFullAccess), Name: name},
	}
}
