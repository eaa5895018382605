package command

import (
	"errors"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"proctor/policy"
)

// The bounds of one vector.
const (
	MaxScript = 256 << 10 // bytes of all words together
	MaxWords  = 8 << 10
	maxDepth  = 6 // nested shells
	// maxOpeners bounds the recursion of the parser, about 4 KiB of stack for each bracket; a Go stack overflow cannot be
	// recovered from.
	maxOpeners = 8 << 10
	maxInner   = 4 << 10 // inner commands
	maxParsed  = 2 << 20 // bytes of script text parsed, nested scripts counted again
	maxVisits  = 1 << 20 // nodes of scripts
	parseCost  = 256     // bytes charged for each parse beside its text
)

// Parsed is an argument vector taken apart.
type Parsed struct {
	// Parts are the commands judged one by one: those of a plain script, otherwise the vector itself.
	Parts []policy.Part
	// Inner are literal commands seen inside parts: behind wrappers, in nested shells, in scripts that stay whole. Words
	// from the first one that is not literal on are cut off.
	Inner []policy.Part
	// Split: Parts come from a plain script.
	Split bool
}

// Parse takes argv apart and classifies every part. An empty vector has no parts.
func Parse(argv []string) Parsed {
	if len(argv) == 0 {
		return Parsed{}
	}
	if tooLarge(argv) {
		return Parsed{Parts: []policy.Part{{Argv: argv, Class: policy.Ordinary, Findings: []policy.Finding{uninspectable}}}}
	}
	script, ok := splitScript(argv)
	if !ok {
		part, inner := judge(argv)
		return Parsed{Parts: []policy.Part{part}, Inner: inner}
	}
	file, err := parse(script)
	if err != nil || strings.Contains(script, "\r") {
		return whole(argv, policy.Ordinary) // a carriage return is a character to a shell and a blank to the parser
	}
	plain, expands := plainCommands(file)
	switch {
	case plain == nil:
		return whole(argv, policy.Ordinary)
	case expands:
		return expanding(argv, plain)
	}
	p := Parsed{Split: true}
	for _, words := range plain {
		part, inner := judge(words)
		p.Parts = append(p.Parts, part)
		p.Inner = append(p.Inner, inner...)
	}
	fed(p.Parts, argv)
	return p
}

// fed adds what is seen only in the whole script to the part that reads its script from a pipe.
func fed(parts []policy.Part, argv []string) {
	n := slices.IndexFunc(parts, func(p policy.Part) bool { return readsScript(literal(p.Argv)) })
	if n <= 0 {
		return
	}
	for _, f := range inspect(argv).findings() {
		if !slices.ContainsFunc(parts, func(p policy.Part) bool { return slices.Contains(p.Findings, f) }) {
			parts[n].Findings = append(parts[n].Findings, f)
		}
	}
}

// Class is the documented class: the worst of the parts, Ordinary when there are none.
func (p Parsed) Class() policy.Class {
	if len(p.Parts) == 0 {
		return policy.Ordinary
	}
	c := policy.Safe
	for _, part := range p.Parts {
		c = policy.WorstClass(c, part.Class)
	}
	return c
}

// Effective is Class raised by the findings.
func (p Parsed) Effective() policy.Class {
	c := p.Class()
	for _, part := range p.Parts {
		c = policy.WorstClass(c, part.Effective())
	}
	return c
}

// Classify is Parse(argv).Class().
func Classify(argv []string) policy.Class { return Parse(argv).Class() }

// judge classifies one command as it stands.
func judge(argv []string) (policy.Part, []policy.Part) {
	part := policy.Part{Argv: argv, Class: policy.Ordinary}
	if knownSafe(argv) {
		part.Class = policy.Safe
		part.Findings = safeGaps(argv)
	}
	i := inspect(argv)
	if i.documented {
		part.Class = policy.Dangerous
	}
	part.Findings = append(part.Findings, i.findings()...)
	return part, i.inner
}

// whole keeps argv as one part of at least the given class.
func whole(argv []string, c policy.Class) Parsed {
	part, inner := judge(argv)
	part.Class = policy.WorstClass(part.Class, c)
	return Parsed{Parts: []policy.Part{part}, Inner: inner}
}

// expanding keeps a script whole whose words the shell still expands (globs, tilde, braces, escapes). Its documented
// class is that of its commands, but no rule may allow it by their prefixes.
func expanding(argv []string, plain [][]string) Parsed {
	part, inner := judge(argv)
	class := policy.Safe
	for _, words := range plain {
		p, _ := judge(words)
		class = policy.WorstClass(class, p.Class)
		part.Findings = append(part.Findings, p.Findings...)
	}
	if part.Class != policy.Dangerous {
		part.Class = class
	}
	part.Findings = unique(append(part.Findings, policy.Finding{Code: FindingExpansion, Class: policy.Ordinary}))
	return Parsed{Parts: []policy.Part{part}, Inner: inner}
}

// splitScript returns the script of exactly SHELL -c|-lc SCRIPT.
func splitScript(argv []string) (string, bool) {
	if len(argv) != 3 || !splitShells.has(path.Base(argv[0])) || (argv[1] != "-c" && argv[1] != "-lc") {
		return "", false
	}
	return argv[2], true
}

func tooLarge(argv []string) bool {
	total := 0
	for _, w := range argv {
		total += len(w)
	}
	return len(argv) > MaxWords || total > MaxScript
}

// errUninspectable means that a script was not parsed: it holds more brackets than the parser may recurse into, or the parser
// panicked.
var errUninspectable = errors.New("parse script: not inspectable")

func parse(script string) (file *syntax.File, err error) {
	script = asShellsRead(script)
	if openers(script) > maxOpeners {
		return nil, errUninspectable
	}
	defer func() {
		if recover() != nil {
			file, err = nil, errUninspectable
		}
	}()
	return syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
}

// parsedBefore returns the statements in front of the first syntax error. The loop runs on after an error, because the
// iterator of sh/v3 does not bear being left early.
func parsedBefore(script string) (stmts []*syntax.Stmt) {
	script = asShellsRead(script)
	defer func() { _ = recover() }() // parse has called a panicking script uninspectable already
	for stmt, err := range syntax.NewParser(syntax.Variant(syntax.LangBash)).StmtsSeq(strings.NewReader(script)) {
		if err == nil && stmt != nil {
			stmts = append(stmts, stmt)
		}
	}
	return stmts
}

// asShellsRead makes carriage returns ordinary characters, as they are to bash and dash. The parser drops one
// before a line feed and takes a backslash, CR, LF for a continued line: it would see one command where a shell runs two.
func asShellsRead(script string) string { return strings.ReplaceAll(script, "\r", "\u240d") }

func openers(script string) int {
	n := 0
	for _, c := range []string{"(", "{", "[", "`"} {
		n += strings.Count(script, c)
	}
	return n
}
