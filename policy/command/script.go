package command

import (
	"errors"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// script judges shell text. Text that does not parse is judged as far as it does, then word by word: a shell runs the
// lines before the error.
func (i *inspector) script(w word, depth int, documented bool) {
	i.parsed += len(w.value) + parseCost
	if depth > maxDepth || i.parsed > maxParsed {
		i.found(FindingUninspectable)
		return
	}
	documented = documented && !w.disguise && w.literal
	file, err := parse(w.value)
	if err == nil {
		i.walk(file, depth, documented)
		return
	}
	if errors.Is(err, errUninspectable) {
		i.found(FindingUninspectable)
		return
	}
	for _, stmt := range parsedBefore(w.value) {
		i.walk(stmt, depth, false)
	}
	i.unparsed(w.value)
}

// unparsed judges text without its grammar: every word may be the name of a command.
func (i *inspector) unparsed(text string) {
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("\n;|&(){}`", r) }) {
		cmd := literal(strings.Fields(strings.NewReplacer(`\`, "", `"`, "", "'", "").Replace(line)))
		for n := range cmd {
			if forced, _ := removesByForce(cmd[n:]); forced {
				i.found(FindingUnparsed)
			}
			i.found(hazard(base(cmd[n].value), cmd[n+1:]))
		}
	}
}

// walk visits every command of a script, also in control flow, functions, substitutions and heredocs.
func (i *inspector) walk(root syntax.Node, depth int, documented bool) {
	var assigned []string
	syntax.Walk(root, func(n syntax.Node) bool {
		if !i.visit() {
			return false
		}
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
			i.computed(cmd, assigned)
			i.substituted(cmd, n)
		case *syntax.TimeClause:
			if cmd := firstCall(n.Stmt); len(cmd) > 0 && strings.HasPrefix(cmd[0].value, "-") { // a shell then runs the program time
				i.wrapped(cmd, wrappers["time"], depth)
			}
		case *syntax.CoprocClause:
			if cmd := coprocess(n); cmd != nil {
				i.add(cmd)
				i.command(cmd, depth, documented)
			}
		case *syntax.Stmt:
			i.redirected(n, depth)
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				i.piped(n, depth)
			}
		case *syntax.FuncDecl:
			if n.Name != nil && i.startsItself(n.Name.Value, n.Body) {
				i.found(FindingForkBomb)
			}
		}
		return true
	})
}

// coprocess is the simple command of a coproc clause. The parser takes the first word for a name, and operands that look like
// assignments for assignments, both of which a shell does not.
func coprocess(c *syntax.CoprocClause) (cmd []word) {
	first := c.Stmt
	for b, ok := first.Cmd.(*syntax.BinaryCmd); ok; b, ok = first.Cmd.(*syntax.BinaryCmd) {
		first = b.X
	}
	call, ok := first.Cmd.(*syntax.CallExpr)
	if !ok {
		return nil
	}
	if c.Name != nil {
		name, kind := readWord(c.Name)
		cmd = append(cmd, word{value: name, literal: kind != wordOpen})
	}
	cmd = append(cmd, readCall(call)...)
	for _, a := range call.Assigns {
		if a.Name != nil && a.Value != nil {
			value, kind := readWord(a.Value)
			cmd = append(cmd, word{value: a.Name.Value + "=" + value, literal: kind != wordOpen})
		}
	}
	return cmd
}

// computed: variables that the script sets itself make a forced rm.
func (i *inspector) computed(cmd []word, assigned []string) {
	if len(cmd) == 0 {
		return
	}
	open := slices.ContainsFunc(cmd[1:], func(w word) bool { return !w.literal })
	if !cmd[0].literal && slices.ContainsFunc(assigned, namesRemove) || open && isRemove(cmd[0].value) && slices.ContainsFunc(assigned, holdsForce) {
		i.found(FindingHiddenRemove)
	}
}

// startsItself: the body of a function calls it in the background or in a pipe.
func (i *inspector) startsItself(name string, body *syntax.Stmt) bool {
	found := false
	syntax.Walk(body, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			found = found || n.Background && i.calls(name, n)
		case *syntax.BinaryCmd:
			found = found || n.Op == syntax.Pipe && i.calls(name, n.X) && i.calls(name, n.Y)
		}
		return !found && i.revisit()
	})
	return found
}

func (i *inspector) calls(name string, root syntax.Node) bool {
	found := false
	syntax.Walk(root, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			v, _ := readWord(c.Args[0])
			found = found || v == name
		}
		return !found && i.revisit()
	})
	return found
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
