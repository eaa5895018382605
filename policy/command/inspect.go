package command

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"proctor/policy"
)

// inspector looks for commands inside commands. It is bounded by the bytes it may parse, the depth of shells
// and the number of commands it reports.
type inspector struct {
	documented bool     // a forced rm that Codex 0.169.0 sees too
	codes      []string // of findings that raise to dangerous, each once
	parsed     int      // bytes
	inner      []policy.Part
	judged     map[*word]bool // first words of commands that were judged
	visited    int            // nodes of scripts, those looked at again counted again
	over       bool           // a bound was reached: the answer is known, and looking on would only cost time
}

func inspect(argv []string) *inspector {
	i := &inspector{judged: map[*word]bool{}}
	i.command(literal(argv), 0, true)
	return i
}

func (i *inspector) findings() []policy.Finding {
	out := make([]policy.Finding, len(i.codes))
	for n, code := range i.codes {
		out[n] = policy.Finding{Code: code, Class: policy.Dangerous}
	}
	return out
}

// visit counts a node and reports whether looking goes on.
func (i *inspector) visit() bool { return i.spend(1) }

// revisit is visit for a node that is looked at from another one; such looks may be quadratic and so cost more.
func (i *inspector) revisit() bool { return i.spend(16) }

func (i *inspector) spend(cost int) bool {
	if i.visited += cost; i.visited > maxVisits {
		i.found(FindingUninspectable)
	}
	return !i.over
}

func (i *inspector) found(code string) {
	i.over = i.over || code == FindingUninspectable
	if code != "" && !slices.Contains(i.codes, code) {
		i.codes = append(i.codes, code)
	}
}

// word is one word of a command: its value, and whether the documented reading sees the same value.
type word struct {
	value    string
	literal  bool // known completely
	disguise bool // the shell changes the written form: escapes, $'', braces
}

func literal(argv []string) []word {
	out := make([]word, len(argv))
	for n, a := range argv {
		out[n] = word{value: a, literal: true}
	}
	return out
}

func values(cmd []word) []string {
	out := make([]string, len(cmd))
	for n, w := range cmd {
		out[n] = w.value
	}
	return out
}

// command judges one command and what it starts. documented: Codex would have come this far too.
func (i *inspector) command(cmd []word, depth int, documented bool) {
	if len(cmd) == 0 || i.over || i.judged[&cmd[0]] {
		return
	}
	i.judged[&cmd[0]] = true
	if forced, exact := removesByForce(cmd); forced {
		i.reportRemove(documented && exact && !cmd[0].disguise)
	}
	name := base(cmd[0].value)
	i.found(hazard(name, cmd[1:]))
	if rest := plainlyWrapped(name, cmd[1:]); rest != nil {
		i.add(rest)
		i.command(rest, depth, documented)
		return
	}
	i.started(name, cmd, depth, documented)
}

// started judges what a command starts, by what its program is known to do with its arguments.
func (i *inspector) started(name string, cmd []word, depth int, documented bool) {
	if shells.has(name) || !cmd[0].literal && len(cmd) > 2 && strings.HasPrefix(cmd[1].value, "-") {
		i.shell(cmd, name, depth, documented)
	}
	if w, ok := wrappers[name]; ok {
		i.wrapped(cmd[1:], w, depth)
	}
	if scriptCarriers.has(name) {
		i.carried(cmd[1:], depth)
	}
	switch name {
	case "find":
		for n, w := range cmd {
			if findRuns.has(w.value) {
				i.wrapped(cmd[n+1:], wrapper{}, depth)
			}
		}
	case "git":
		i.git(cmd[1:], depth)
	}
}

// plainlyWrapped is what Codex looks behind too: sudo without options and env with nothing but assignments.
func plainlyWrapped(name string, rest []word) []word {
	switch {
	case name == "sudo" && len(rest) > 0 && !strings.HasPrefix(rest[0].value, "-"):
		return rest
	case name == "env" && startsCommand(afterAssignments(rest)):
		return afterAssignments(rest)
	}
	return nil
}

func (i *inspector) reportRemove(documented bool) {
	if documented {
		i.documented = true
	} else {
		i.found(FindingHiddenRemove)
	}
}

// add reports cmd as an inner command, cut at the first word that is not known.
func (i *inspector) add(cmd []word) {
	known := slices.IndexFunc(cmd, func(w word) bool { return !w.literal })
	if known < 0 {
		known = len(cmd)
	}
	if known == 0 {
		return
	}
	if len(i.inner) >= maxInner {
		i.found(FindingUninspectable)
		return
	}
	i.inner = append(i.inner, policy.Part{Argv: values(cmd[:known]), Class: policy.Ordinary})
}

// base is the program name; zsh reads =name as the path of name.
func base(name string) string { return path.Base(strings.TrimPrefix(name, "=")) }

func startsCommand(cmd []word) bool {
	if len(cmd) == 0 || cmd[0].value == "" || !cmd[0].literal {
		return false
	}
	v := cmd[0].value
	return v[0] != '-' && v[0] != '+' && !isAssignment(v)
}

func afterAssignments(cmd []word) []word {
	for len(cmd) > 0 && isAssignment(cmd[0].value) {
		cmd = cmd[1:]
	}
	return cmd
}

func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	return ok && syntax.ValidName(name)
}
