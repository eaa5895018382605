package command

import (
	"path"
	"strings"
)

// removesByForce: rm with --force or a bundle that holds f before "--". exact: spelled so that Codex sees it too, not as
// a glob or with a shortened option.
func removesByForce(cmd []word) (forced, exact bool) {
	if !isRemove(cmd[0].value) {
		return false, false
	}
	plain := path.Base(cmd[0].value) == "rm"
	for _, w := range cmd[1:] {
		v := w.value
		switch {
		case v == "--":
			return false, false
		case len(v) > len("--") && strings.HasPrefix("--force", v): //nolint:gocritic // rm takes any beginning of the long option
			return true, plain && v == "--force"
		case shortOption(v, "f"):
			return true, plain
		}
	}
	return false, false
}

// isRemove: the base name is rm, or a glob that rm matches.
func isRemove(name string) bool {
	b := base(name)
	if b == "rm" {
		return true
	}
	if !strings.ContainsAny(b, "*?[") {
		return false
	}
	ok, err := path.Match(b, "rm")
	return ok && err == nil
}

// namesRemove: a variable that is used as a command name holds rm.
func namesRemove(value string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	return base(first) == "rm"
}

// holdsForce: a variable that is used as an argument of rm holds a force option.
func holdsForce(value string) bool {
	for _, v := range strings.Fields(value) {
		if v == "--force" || shortOption(v, "f") {
			return true
		}
	}
	return false
}

// shortOption: v is a bundle of short options with one of the letters.
func shortOption(v, letters string) bool {
	return len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.ContainsAny(v, letters)
}
