package install

import (
	"path"
	"strings"
)

// Ours reports whether a hook is this program answering Codex: `proctor codex hook`, wherever proctor lies, with any flags. No other
// program is taken for it, since that one may forbid something.
func Ours(command string) bool {
	program, flags, found := strings.Cut(command, " codex hook")
	if q := strings.Trim(program, `"'`); len(q) == len(program)-2 && !strings.ContainsAny(q, `"'\\`) {
		program = q
	} else if strings.ContainsAny(program, " \t") { // another program is given proctor as an argument
		return false
	}
	name := path.Base(program)
	return found && (name == "proctor" || name == "proctor-full") && (flags == "" || flags[0] == ' ') && !strings.ContainsAny(command, ";|&<>`$\n")
}
