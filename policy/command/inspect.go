package command

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"proctor/policy"
)

// inspector looks for commands inside commands. It is bounded by the bytes it may parse, the depth of shells
// and the number of commands it reports.
type inspector struct {
	documented bool // a forced rm that Codex 0.169.0 sees too
	hidden     bool
	unparsed   bool
	over       bool // some bound was reached
	parsed     int  // bytes
	inner      []policy.Part
}

func inspect(argv []string) *inspector {
	i := &inspector{}
	i.command(literal(argv), 0, true)
	return i
}

func (i *inspector) findings() []policy.Finding {
	var out []policy.Finding
	for _, f := range []struct {
		seen bool
		code string
	}{{i.hidden, FindingHiddenRemove}, {i.unparsed, FindingUnparsed}, {i.over, FindingUninspectable}} {
		if f.seen {
			out = append(out, policy.Finding{Code: f.code, Class: policy.Dangerous})
		}
	}
	return out
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
	if len(cmd) == 0 {
		return
	}
	if forced, exact := removesByForce(cmd); forced {
		i.report(documented && exact && !cmd[0].disguise)
	}
	name := base(cmd[0].value)
	switch {
	case name == "sudo" && len(cmd) > 1 && !strings.HasPrefix(cmd[1].value, "-"):
		i.add(cmd[1:])
		i.command(cmd[1:], depth, documented)
		return
	case name == "env" && startsCommand(afterAssignments(cmd[1:])):
		rest := afterAssignments(cmd[1:])
		i.add(rest)
		i.command(rest, depth, documented)
		return
	}
	if shells[name] {
		i.shell(cmd, name, depth, documented)
	}
	if wrappers[name] {
		i.wrapped(cmd[1:], depth)
	}
	if name == "find" {
		for n, w := range cmd {
			if findRuns[w.value] {
				i.wrapped(cmd[n+1:], depth)
			}
		}
	}
	if scriptCarriers[name] {
		i.carried(cmd[1:], depth)
	}
}

func (i *inspector) report(documented bool) {
	if documented {
		i.documented = true
	} else {
		i.hidden = true
	}
}

// wrapped judges what follows a wrapper. Which word begins the command depends on the wrapper's options, so every
// position is tried; more alarms than needed are the price.
func (i *inspector) wrapped(rest []word, depth int) {
	candidates := 0
	for n, w := range rest {
		if forced, _ := removesByForce(rest[n:]); forced {
			i.hidden = true
		}
		if shells[base(w.value)] {
			i.shell(rest[n:], base(w.value), depth, false)
		}
		if base(w.value) == "find" || scriptCarriers[base(w.value)] {
			i.carried(rest[n+1:], depth)
		}
		if startsCommand(rest[n:]) && candidates < 4 {
			candidates++
			i.add(rest[n:])
		}
	}
}

// shell judges NAME ... -c SCRIPT. Codex knows exactly three words with -c or -lc.
func (i *inspector) shell(cmd []word, name string, depth int, documented bool) {
	if len(cmd) == 3 && splitShells[name] && (cmd[1].value == "-c" || cmd[1].value == "-lc") {
		i.script(cmd[2], depth+1, documented)
		return
	}
	for n, w := range cmd[1:] {
		if len(w.value) > 1 && strings.IndexByte("-+", w.value[0]) >= 0 && strings.Contains(w.value, "c") {
			i.carried(cmd[n+2:], depth)
			return
		}
	}
}

// carried judges words that may be shell text, each by itself and all joined.
func (i *inspector) carried(rest []word, depth int) {
	for _, w := range rest {
		if strings.ContainsAny(w.value, " \t\n;|&\\'\"") {
			i.script(w, depth+1, false)
		}
	}
	if len(rest) > 1 {
		i.script(word{value: strings.Join(values(rest), " "), literal: true}, depth+1, false)
	} else if len(rest) == 1 {
		i.script(rest[0], depth+1, false)
	}
}

// script judges shell text. Text that does not parse is judged as far as it does, then word by word: a shell runs the
// lines before the error.
func (i *inspector) script(w word, depth int, documented bool) {
	i.parsed += len(w.value) + parseCost
	if depth > maxDepth || i.parsed > maxParsed {
		i.over = true
		return
	}
	documented = documented && !w.disguise && w.literal
	file, err := parse(w.value)
	if err == nil {
		i.walk(file, depth, documented)
		return
	}
	if errors.Is(err, errUninspectable) {
		i.over = true
		return
	}
	if forcedRemoveText.MatchString(w.value) {
		i.unparsed = true
	}
	for _, stmt := range parsedBefore(w.value) {
		i.walk(stmt, depth, false)
	}
}

var forcedRemoveText = regexp.MustCompile(`(^|[^\w.-])\\?rm["']?\s[^\n;|&]*(-[A-Za-z]*f|--f)`)

// walk visits every command of a script, also in control flow, functions, substitutions and heredocs.
func (i *inspector) walk(root syntax.Node, depth int, documented bool) {
	var assigned []string
	syntax.Walk(root, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Value != nil {
				if v, _ := readWord(n.Value); v != "" {
					assigned = append(assigned, v)
				}
			}
		case *syntax.CallExpr:
			cmd := readCall(n)
			i.add(cmd)
			i.command(cmd, depth, documented)
			if len(cmd) > 0 && !cmd[0].literal && slices.ContainsFunc(assigned, namesRemove) {
				i.hidden = true
			}
		}
		return true
	})
}

// namesRemove: a variable that is used as a command name holds rm.
func namesRemove(value string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	return base(first) == "rm"
}

func readCall(c *syntax.CallExpr) []word {
	var cmd []word
	for _, arg := range c.Args {
		value, kind := readWord(arg)
		w := word{value: value, literal: kind != wordOpen || isAnsi(arg), disguise: kind == wordExpands || isAnsi(arg)}
		if inside, ok := strings.CutPrefix(value, "{"); ok && strings.HasSuffix(inside, "}") && strings.Contains(inside, ",") {
			for _, v := range strings.Split(strings.TrimSuffix(inside, "}"), ",") {
				cmd = append(cmd, word{value: v, literal: w.literal, disguise: true})
			}
			continue
		}
		cmd = append(cmd, w)
	}
	return cmd
}

// isAnsi: the word is one $'...', whose value is known although the plain grammar does not take it.
func isAnsi(w *syntax.Word) bool {
	if len(w.Parts) != 1 {
		return false
	}
	q, ok := w.Parts[0].(*syntax.SglQuoted)
	return ok && q.Dollar
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
		i.over = true
		return
	}
	i.inner = append(i.inner, policy.Part{Argv: values(cmd[:known]), Class: policy.Ordinary})
}

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
		case len(v) > 1 && v[0] == '-' && v[1] != '-' && strings.Contains(v, "f"):
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
