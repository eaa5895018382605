package execrules

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"proctor/policy"
)

// Parse loads files in order, lowest precedence first. The error is an *Error, and then no rules are returned.
func Parse(files []File) (*Rules, error) {
	l := loader{rules: &Rules{prefix: map[string][]prefixRule{}, network: map[networkKey][]networkRule{}, hosts: map[string][]string{}}}
	total := 0
	for i, f := range files {
		total += len(f.Text)
		if i >= maxFiles || total > maxText {
			return nil, &Error{File: f.Name, Msg: fmt.Sprintf("load rules: more than %d files or %d bytes together; remove or merge rules files", maxFiles, maxText)}
		}
		if err := l.load(f); err != nil {
			return nil, err
		}
	}
	return l.rules, nil
}

// loader collects what the built-ins of one file after the other declare.
type loader struct {
	rules    *Rules
	file     string
	managed  bool
	edits    edits
	examples []examples
}

// examples are checked when their file has been read to the end.
type examples struct {
	rules          []prefixRule
	match, unmatch [][]string
	line, column   int
}

func (l *loader) load(f File) *Error {
	l.file, l.managed, l.examples = f.Name, f.Managed, nil
	text, e := dialect(f.Text)
	l.edits = e
	if err := l.eval(text); err != nil {
		out := located(f.Name, err)
		out.Column = l.edits.column(out.Line, out.Column)
		return out
	}
	for _, ex := range l.examples {
		if err := l.checkExamples(ex); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) eval(text string) error {
	options := &syntax.FileOptions{TopLevelControl: true, GlobalReassign: true}
	file, err := options.Parse(l.file, text, 0)
	if err != nil {
		return err
	}
	predeclared := starlark.StringDict{
		"prefix_rule":     starlark.NewBuiltin("prefix_rule", l.prefixRule),
		"network_rule":    starlark.NewBuiltin("network_rule", l.networkRule),
		"host_executable": starlark.NewBuiltin("host_executable", l.hostExecutable),
		"print":           starlark.NewBuiltin("print", noPrint),
	}
	if err := guard(file, predeclared); err != nil {
		return err
	}
	program, err := starlark.FileProgram(file, predeclared.Has)
	if err != nil {
		return err
	}
	thread := &starlark.Thread{Name: l.file}
	thread.SetMaxExecutionSteps(maxSteps)
	_, err = program.Init(thread, predeclared)
	return err
}

// noPrint: the language has no print, a file that calls it is refused.
func noPrint(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return nil, errors.New("print is not part of the rules language; fail(...) refuses a file with a message")
}

func (l *loader) prefixRule(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pattern *starlark.List
	var decision, match, unmatch, justification starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &pattern, "decision?", &decision, "match?", &match,
		"not_match?", &unmatch, "justification?", &justification); err != nil {
		return nil, err
	}
	at := callSite(t)
	rule := prefixRule{file: l.file, line: int(at.Line)}
	var err error
	if rule.decision, rule.person, err = readDecision(decision, l.managed); err != nil {
		return nil, err
	}
	if rule.justification, err = readJustification(justification); err != nil {
		return nil, err
	}
	tokens, err := readPattern(pattern)
	if err != nil {
		return nil, err
	}
	ex := examples{line: int(at.Line), column: int(at.Col)}
	if ex.match, err = readExamples("match", match); err != nil {
		return nil, err
	}
	if ex.unmatch, err = readExamples("not_match", unmatch); err != nil {
		return nil, err
	}
	rule.rest = tokens[1:]
	for _, first := range tokens[0] {
		if l.rules.count++; l.rules.count > maxRules {
			return nil, fmt.Errorf("prefix_rule: more than %d rules", maxRules)
		}
		rule.first = first
		l.rules.prefix[first] = append(l.rules.prefix[first], rule)
		ex.rules = append(ex.rules, rule)
	}
	l.examples = append(l.examples, ex)
	return starlark.None, nil
}

// callSite is where the file calls the built-in that runs on t.
func callSite(t *starlark.Thread) syntax.Position {
	for depth := 1; depth < t.CallStackDepth(); depth++ {
		if pos := t.CallFrame(depth).Pos; pos.Line > 0 {
			return pos
		}
	}
	return syntax.Position{}
}

// checkExamples: an example of match must be matched by this very rule, one of not_match must not be.
func (l *loader) checkExamples(ex examples) *Error {
	alone := &Rules{prefix: map[string][]prefixRule{}, hosts: l.rules.hosts}
	for _, r := range ex.rules {
		alone.prefix[r.first] = append(alone.prefix[r.first], r)
	}
	fail := func(what string, example []string) *Error {
		return &Error{File: l.file, Line: ex.line, Column: l.edits.column(ex.line, ex.column), Msg: clip(fmt.Sprintf("prefix_rule: %s %q", what, example))}
	}
	for _, e := range ex.unmatch {
		if len(alone.Check(e, Options{ResolveHostExecutables: true}).Matches) > 0 {
			return fail("the rule matches its not_match example", e)
		}
	}
	for _, e := range ex.match {
		if len(alone.Check(e, Options{ResolveHostExecutables: true}).Matches) == 0 {
			return fail("the rule does not match its match example", e)
		}
	}
	return nil
}

// decisions are the words of the rules language.
var decisions = map[string]policy.Outcome{"allow": policy.Allow, "prompt": policy.Prompt, "forbidden": policy.Forbid}

// DecisionWord is the word of the rules language for an outcome.
func DecisionWord(o policy.Outcome) string {
	if o == policy.Forbid {
		return "forbidden"
	}
	return string(o)
}
