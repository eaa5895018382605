package config

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// ParseFlags reads the flags of `codex exec` into opts and returns the remaining
// words. Flags that concern something else (output, images) are accepted and
// skipped. A contradiction, a wrong word or an unknown flag is a *UsageError.
//
// It is the one meaning of every configuration flag: a command with a flag
// library of its own hands the flags that were given on to it, see [KnowsFlag].
// opts.Cwd must be set before, since -C and --add-dir may be relative to it.
func ParseFlags(args []string, opts *Options) (rest []string, err error) {
	var names []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(rest, args[i+1:]...), finishFlags(opts, names)
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		name, value, inline := strings.Cut(arg, "=")
		if !strings.HasPrefix(arg, "--") && len(arg) > 2 { // -sread-only, -s=read-only
			name, value, inline = arg[:2], strings.TrimPrefix(arg[2:], "="), true
		}
		f, ok := flagTable()[name]
		if !ok {
			return nil, &UsageError{Flag: name, Msg: "unknown flag"}
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
	return rest, finishFlags(opts, names)
}

// finishFlags does what has to wait for the last flag: --add-dir may be relative to a later -C.
func finishFlags(opts *Options, names []string) error {
	for i, dir := range opts.AddDirs {
		opts.AddDirs[i] = below(opts.Cwd, dir)
	}
	return checkFlags(names)
}

// KnowsFlag reports whether ParseFlags gives a flag, as typed ("--sandbox"), a
// meaning for the configuration.
func KnowsFlag(name string) bool { return flagTable()[name].apply != nil }

// checkFlags refuses flags, given by name as typed, that contradict each other.
func checkFlags(names []string) error {
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
	autoFlags    = []string{fullAutoFlag}
	sandboxFlags = []string{"-s", "--sandbox"}
	askFlags     = []string{"-a", "--ask-for-approval"}
	profileFlags = []string{"-P", "--permissions-profile", "--permission-profile"}

	contradictions = [][2][]string{
		{approveFlags, sandboxFlags}, {approveFlags, bypassFlags}, {approveFlags, askFlags},
		{bypassFlags, askFlags}, {sandboxFlags, profileFlags}, {approveFlags, profileFlags}, {autoFlags, bypassFlags},
	}
)

// fullAutoFlag is gone from the CLI; the document keeps it, deprecated.
const fullAutoFlag = "--full-auto"

type flagSpec struct {
	takesValue bool
	words      []string
	apply      func(opts *Options, name, value string)
}

// flagTable is what `codex exec` accepts, by spelling.
var flagTable = sync.OnceValue(func() map[string]flagSpec {
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
	add(flagSpec{takesValue: true, apply: func(o *Options, _, v string) { o.AddDirs = append(o.AddDirs, v) }}, "--add-dir")
	add(flagSpec{takesValue: true, apply: feature(true)}, "--enable")
	add(flagSpec{takesValue: true, apply: feature(false)}, "--disable")
	add(flagSpec{takesValue: true, apply: set("model_provider"), words: []string{ProviderOllama, ProviderLMStudio}}, "--local-provider")
	add(flagSpec{apply: func(o *Options, n, _ string) { // --local-provider says which, in either order
		if !slices.ContainsFunc(o.Flags, func(f Flag) bool { return f.Name == "--local-provider" }) {
			o.Flags = append(o.Flags, Flag{Key: "model_provider", Value: ProviderOllama, Name: n})
		}
	}}, "--oss")
	add(flagSpec{apply: func(o *Options, n, _ string) {
		o.Flags = append(o.Flags, Flag{Key: "web_search", Value: string(WebSearchLive), Name: n})
	}}, "--search")
	add(flagSpec{apply: func(o *Options, n, _ string) { o.Flags = append(o.Flags, approveForMe(n)...) }}, approveFlags...)
	add(flagSpec{apply: func(o *Options, n, _ string) { o.Flags = append(o.Flags, dangerouslyBypass(n)...) }}, bypassFlags...)
	add(flagSpec{apply: func(o *Options, _, _ string) { o.IgnoreUserConfig = true }}, "--ignore-user-config")
	add(flagSpec{apply: func(o *Options, _, _ string) { o.Strict = true }}, "--strict-config")
	add(flagSpec{apply: func(o *Options, _, _ string) { o.Trust = true }}, "--trust")
	add(flagSpec{}, "--skip-git-repo-check", "--json", "--ephemeral", "--ignore-rules", "--no-alt-screen")
	add(flagSpec{apply: func(o *Options, _, _ string) { o.BypassHookTrust = true }}, "--dangerously-bypass-hook-trust")
	add(flagSpec{takesValue: true}, "-i", "--image", "-o", "--output-last-message", "--output-schema", "--color")
	add(flagSpec{apply: func(o *Options, n, _ string) { // -s wins, in either order
		o.Flags = append([]Flag{{Key: "sandbox_mode", Value: string(WorkspaceWrite), Name: n}}, o.Flags...)
	}}, fullAutoFlag)
	return t
})

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

// approveForMe is what --approve-for-me stands for.
func approveForMe(name string) []Flag {
	return []Flag{
		{Key: "approvals_reviewer", Value: string(AutoReviewer), Name: name},
		{Key: "approval_policy", Value: string(ApprovalOnRequest), Name: name},
		{Key: "sandbox_mode", Value: string(WorkspaceWrite), Name: name},
	}
}

// dangerouslyBypass is what --dangerously-bypass-approvals-and-sandbox stands for.
func dangerouslyBypass(name string) []Flag {
	return []Flag{
		{Key: "approval_policy", Value: string(ApprovalNever), Name: name},
		{Key: "sandbox_mode", Value: string(DangerFullAccess), Name: name},
	}
}
