package command

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// plainCommands returns the commands of a script that holds only plain commands joined by && || ; | and line breaks, in source
// order, or nil. expands reports that some word is still subject to globs, tilde, braces or escapes.
func plainCommands(f *syntax.File) (commands [][]string, expands bool) {
	if len(f.Last) > 0 || len(f.Stmts) == 0 {
		return nil, false
	}
	w := plainWalk{ok: true}
	for _, s := range f.Stmts {
		w.stmt(s)
	}
	if !w.ok {
		return nil, false
	}
	return w.commands, w.expands
}

type plainWalk struct {
	commands [][]string
	expands  bool
	ok       bool
}

func (w *plainWalk) stmt(s *syntax.Stmt) {
	if !w.ok || s.Negated || s.Background || s.Coprocess || s.Disown || len(s.Redirs) > 0 || len(s.Comments) > 0 {
		w.ok = false
		return
	}
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		if c.Op != syntax.AndStmt && c.Op != syntax.OrStmt && c.Op != syntax.Pipe {
			w.ok = false
			return
		}
		w.stmt(c.X)
		w.stmt(c.Y)
	case *syntax.CallExpr:
		w.call(c)
	default:
		w.ok = false
	}
}

func (w *plainWalk) call(c *syntax.CallExpr) {
	if len(c.Assigns) > 0 || len(c.Args) == 0 || !plainName(c.Args[0]) {
		w.ok = false
		return
	}
	command := make([]string, 0, len(c.Args))
	for _, arg := range c.Args {
		value, kind := readWord(arg)
		switch kind {
		case wordOpen:
			w.ok = false
			return
		case wordExpands:
			w.expands = true
		case wordPlain:
		}
		command = append(command, value)
	}
	w.commands = append(w.commands, command)
}

// plainName: a command name is one bare word, nothing quoted, escaped or expanded.
func plainName(w *syntax.Word) bool {
	if len(w.Parts) != 1 {
		return false
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	return ok && !expandable(lit.Value)
}

type wordKind int

const (
	wordPlain   wordKind = iota // its value is exactly what the program gets
	wordExpands                 // globs, tilde, braces or escapes are left to the shell
	wordOpen                    // holds substitutions, variables or other things unknown here
)

// readWord returns the value of a word as far as it is literal. For wordOpen the literal pieces are joined with a NUL
// for each unknown piece.
func readWord(w *syntax.Word) (string, wordKind) {
	var b strings.Builder
	kind := wordPlain
	for _, part := range w.Parts {
		value, k := readPart(part)
		b.WriteString(value)
		kind = max(kind, k)
	}
	if len(w.Parts) > 1 && b.Len() == 0 {
		kind = wordOpen
	}
	return b.String(), kind
}

func readPart(part syntax.WordPart) (string, wordKind) {
	switch p := part.(type) {
	case *syntax.Lit:
		if expandable(p.Value) {
			return unescape(p.Value), wordExpands
		}
		return p.Value, wordPlain
	case *syntax.SglQuoted:
		if p.Dollar {
			return ansiC(p.Value), wordOpen
		}
		return p.Value, wordPlain
	case *syntax.DblQuoted:
		return readDouble(p)
	}
	return "\x00", wordOpen
}

func readDouble(p *syntax.DblQuoted) (string, wordKind) {
	var b strings.Builder
	kind := wordPlain
	if p.Dollar {
		kind = wordOpen
	}
	for _, inner := range p.Parts {
		lit, ok := inner.(*syntax.Lit)
		if !ok {
			b.WriteByte(0)
			kind = wordOpen
			continue
		}
		value, escaped := unescapeDouble(lit.Value)
		b.WriteString(value)
		if escaped {
			kind = max(kind, wordExpands)
		}
	}
	return b.String(), kind
}

// expandable: the shell would still change this bare text.
func expandable(s string) bool {
	if strings.ContainsAny(s, "\\*?[$") || strings.HasPrefix(s, "~") {
		return true
	}
	open := strings.IndexByte(s, '{')
	return open >= 0 && (strings.Contains(s[open:], ",") || strings.Contains(s[open:], ".."))
}

// unescape removes the backslashes of bare text.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unescapeDouble removes the backslashes that count inside double quotes: those before $ ` " \ and a line break.
func unescapeDouble(s string) (value string, escaped bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
			escaped = true
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), escaped
}
