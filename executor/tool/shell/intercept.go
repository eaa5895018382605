package shell

import (
	"path/filepath"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// patchCommand recognises a script that does nothing but feed a heredoc to apply_patch, optionally
// after "cd DIR &&". It returns the directory (empty without cd) and the text as it stands in the heredoc.
// The text is taken as written, also when the delimiter is not quoted: what is recorded is what is applied.
func patchCommand(script string) (dir, text string, ok bool) {
	if !strings.Contains(script, "patch") || !strings.Contains(script, "<<") || strings.Contains(script, "\r") {
		return "", "", false
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil || len(file.Stmts) != 1 {
		return "", "", false
	}
	stmt := file.Stmts[0]
	if and, is := stmt.Cmd.(*syntax.BinaryCmd); is {
		if and.Op != syntax.AndStmt || !plainStmt(stmt) || len(stmt.Redirs) > 0 {
			return "", "", false
		}
		if dir, ok = changeDir(and.X); !ok {
			return "", "", false
		}
		stmt = and.Y
	}
	text, ok = heredoc(script, stmt)
	return dir, text, ok
}

func plainStmt(s *syntax.Stmt) bool { return !s.Negated && !s.Background && !s.Coprocess }

// words are the literal words of a simple command, nil when it is anything else.
func words(s *syntax.Stmt) []string {
	call, is := s.Cmd.(*syntax.CallExpr)
	if !is || !plainStmt(s) || len(call.Assigns) > 0 {
		return nil
	}
	out := make([]string, 0, len(call.Args))
	for _, w := range call.Args {
		text, ok := literal(w)
		if !ok {
			return nil
		}
		out = append(out, text)
	}
	return out
}

// literal is a word that the shell would not change: no expansion, escape, glob or tilde.
func literal(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(p.Value, "\\*?[]{}~") {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			if p.Dollar {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, is := inner.(*syntax.Lit)
				if !is || strings.Contains(lit.Value, "\\") || p.Dollar {
					return "", false
				}
				b.WriteString(lit.Value)
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

func changeDir(s *syntax.Stmt) (string, bool) {
	w := words(s)
	if len(w) != 2 || w[0] != "cd" || len(s.Redirs) > 0 || w[1] == "" || w[1][0] == '-' {
		return "", false
	}
	return w[1], true
}

func heredoc(script string, s *syntax.Stmt) (string, bool) {
	w := words(s)
	if len(w) != 1 || w[0] != "apply_patch" && w[0] != "applypatch" || len(s.Redirs) != 1 {
		return "", false
	}
	r := s.Redirs[0]
	if r.Op != syntax.Hdoc || r.N != nil || r.Hdoc == nil {
		return "", false
	}
	from, to := r.Hdoc.Pos().Offset(), r.Hdoc.End().Offset()
	if from > to || to > uint(len(script)) {
		return "", false
	}
	body, delimiter := script[from:to], heredocEnd(r.Word)
	if body == delimiter {
		return "", true
	}
	if cut, closed := strings.CutSuffix(body, "\n"+delimiter); closed { // the parser counts the last line in
		return cut + "\n", true
	}
	return body, true
}

// heredocEnd is the word that ends a heredoc, without its quotes.
func heredocEnd(w *syntax.Word) string {
	text, ok := literal(w)
	if !ok {
		return "\x00" // ends nothing
	}
	return text
}

// below is dir, relative to base when it is not absolute.
func below(base, dir string) string {
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(base, dir)
}
