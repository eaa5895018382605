package shell

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// fixed are the variables that Codex 0.169.0 sets for every command: plain output, no pager, one language.
var fixed = []string{
	"NO_COLOR=1", "TERM=dumb", "COLORTERM=", "LANG=C.UTF-8", "LC_CTYPE=C.UTF-8", "LC_ALL=C.UTF-8",
	"PAGER=cat", "GIT_PAGER=cat", "GH_PAGER=cat", "CODEX_CI=1",
}

// environ is base with the fixed variables on top, each name once, sorted.
// A terminal gets TERM=xterm; call is told as CODEX_TOOL_CALL_ID.
func environ(base []string, tty bool, call string) []string {
	values := map[string]string{}
	for _, e := range slices.Concat(base, fixed) {
		if name, value, ok := strings.Cut(e, "="); ok && name != "" && !strings.ContainsRune(e, 0) {
			values[name] = value
		}
	}
	if tty {
		values["TERM"] = "xterm"
	}
	values["CODEX_TOOL_CALL_ID"] = harmless(call)
	out := make([]string, 0, len(values))
	for name, value := range values {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}

// harmless is a call id that says nothing to a shell: the model chose it, and no reviewer sees it as a part of the command.
func harmless(call string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}
	if len(call) <= 64 && !strings.ContainsFunc(call, odd) {
		return call
	}
	sum := sha256.Sum256([]byte(call))
	return hex.EncodeToString(sum[:])
}

// names are the sorted names of an environment.
func names(env []string) []string {
	out := make([]string, len(env))
	for i, e := range env {
		out[i], _, _ = strings.Cut(e, "=")
	}
	slices.Sort(out)
	return out
}
