package execrules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"proctor/policy"
)

// ErrTooGeneral means that an allow rule for the prefix would allow nearly everything; propose a longer one.
var ErrTooGeneral = errors.New("prefix is too general for an allow rule")

// Amend returns the line that allows a prefix, without a line break. ErrTooGeneral is returned for banned prefixes.
func Amend(prefix []string) (string, error) {
	if len(prefix) == 0 || len(prefix) > maxTokens {
		return "", fmt.Errorf("write rule: the prefix has %d words; expected 1 to %d", len(prefix), maxTokens)
	}
	if Banned(prefix) {
		return "", fmt.Errorf("write rule for %q: %w", clip(strings.Join(prefix, " ")), ErrTooGeneral)
	}
	words := make([]string, len(prefix))
	for i, w := range prefix {
		quoted, err := quote(w)
		if err != nil {
			return "", err
		}
		words[i] = quoted
	}
	return "prefix_rule(pattern=[" + strings.Join(words, ", ") + `], decision="allow")`, nil
}

// AmendNetwork returns the line that allows or forbids a host.
func AmendNetwork(host, protocol string, o policy.Outcome) (string, error) {
	name, err := networkHost(host)
	if err != nil {
		return "", fmt.Errorf("write rule: %w", err)
	}
	wire, ok := networkProtocols[protocol]
	if !ok {
		return "", fmt.Errorf("write rule for %s: unknown protocol %q", name, protocol)
	}
	quoted, err := quote(name)
	if err != nil {
		return "", err
	}
	word := DecisionWord(o)
	if o == policy.Forbid {
		word = "deny"
	}
	return fmt.Sprintf("network_rule(host=%s, protocol=%q, decision=%q)", quoted, wire, word), nil
}

// quote writes a string literal that Starlark and JSON read alike.
func quote(s string) (string, error) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || len(s) > maxWordSize {
		return "", fmt.Errorf("write rule: word %q is not text that a rule can hold", clip(s))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// banned programs run any other program or code, or do too much; alone, or with one of the flags, they are no prefix.
// Source of the list: reference/codex-sandbox-approvals.md section 6, amendment.
var banned = map[string][]string{
	"bash": shellFlags, "sh": shellFlags, "zsh": shellFlags, "dash": shellFlags, "ksh": shellFlags, "fish": shellFlags, "csh": shellFlags, "tcsh": shellFlags,
	"python": codeFlags, "python2": codeFlags, "python3": codeFlags, "pypy": codeFlags, "pypy3": codeFlags,
	"node": codeFlags, "nodejs": codeFlags, "deno": {"eval", "run"}, "bun": codeFlags, "perl": codeFlags, "ruby": codeFlags, "php": codeFlags, "lua": codeFlags,
	"luajit": codeFlags, "Rscript": codeFlags, "R": codeFlags, "julia": codeFlags, "awk": nil, "gawk": nil,
	"pwsh": powerFlags, "powershell": powerFlags, "pwsh.exe": powerFlags, "powershell.exe": powerFlags, "cmd": {"/c", "/C"}, "cmd.exe": {"/c", "/C"},
	"osascript": {"-e"}, "git": nil, "env": nil, "sudo": nil, "doas": nil, "rm": {"-r", "-f", "-rf", "-fr"}, "xargs": nil, "command": nil, "exec": nil,
	"eval": nil, "nohup": nil, "nice": nil, "timeout": nil, "time": nil, "su": {"-c"}, "ssh": nil, "busybox": {"sh"}, "find": nil,
}

var (
	shellFlags = []string{"-c", "-lc", "-l", "-i", "-ic", "-ec", "-s"}
	codeFlags  = []string{"-", "-c", "-e", "-E", "-r", "-p", "-m", "--eval", "--print"}
	powerFlags = []string{"-Command", "-command", "-c", "-EncodedCommand", "-File", "-NoProfile"}
)

// Banned reports whether a prefix is too general to be allowed by an amendment.
func Banned(prefix []string) bool {
	if len(prefix) == 0 {
		return true
	}
	name := path.Base(prefix[0])
	flags, ok := banned[name]
	if !ok && strings.HasPrefix(name, "python") && strings.Trim(name[len("python"):], "0123456789.") == "" {
		flags, ok = codeFlags, true
	}
	switch {
	case !ok:
		return false
	case len(prefix) == 1:
		return true
	}
	return len(prefix) == 2 && slices.Contains(flags, prefix[1])
}
