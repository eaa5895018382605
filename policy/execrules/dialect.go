package execrules

import (
	"strings"

	"go.starlark.net/syntax"
)

// dialect turns what the rules language has beyond go.starlark.net into what that understands: f-strings become calls of
// format, and a backslash that begins no escape becomes two. What is no literal, or a malformed one, stays as it is for
// the parser to judge.
func dialect(text string) (string, edits) {
	if !strings.ContainsAny(text, `\`) && !strings.Contains(text, `f"`) && !strings.Contains(text, "f'") {
		return text, nil
	}
	r := rewriter{text: text}
	r.run()
	return r.out.String(), r.edits
}

// edits remembers where rewriting changed the length of a line, so that columns of messages fit the original text.
type edits []edit

type edit struct{ line, column, grown int }

// column returns the original column of a position in the rewritten text.
func (e edits) column(line, column int) int {
	shift := 0
	for _, x := range e {
		if x.line == line && x.column < column {
			shift += x.grown
		}
	}
	return max(column-shift, min(column, 1))
}

type rewriter struct {
	text  string
	out   strings.Builder
	edits edits
	line  int // of the output, from 0
	start int // offset in out where the line begins
}

func (r *rewriter) run() {
	for i := 0; i < len(r.text); {
		c := r.text[i]
		switch {
		case c == '#':
			i = r.copyTo(i, endOf(r.text, i, "\n"))
		case c == '"' || c == '\'' || isNameByte(c):
			i = r.word(i)
		default:
			i = r.copyTo(i, i+1)
		}
	}
}

// word copies a name or number, or the string literal that begins here with its prefix.
func (r *rewriter) word(i int) int {
	end := i
	for end < len(r.text) && isNameByte(r.text[end]) {
		end++
	}
	if end == len(r.text) || (r.text[end] != '"' && r.text[end] != '\'') {
		return r.copyTo(i, end)
	}
	prefix, stop := r.text[i:end], stringEnd(r.text, end)
	literal := r.text[end:stop]
	switch prefix {
	case "":
		r.replace(r.text[i:stop], escapes(literal))
	case "f", "fr":
		body, args, ok := fstring(literal)
		if !ok {
			return r.copyTo(i, stop)
		}
		if prefix == "fr" {
			body = "r" + body
		} else {
			body = escapes(body)
		}
		r.replace(r.text[i:stop], body+".format("+strings.Join(args, ", ")+")")
	default:
		r.copyTo(i, stop)
	}
	return stop
}

// replace writes now for old and remembers where the line it ends on moved.
func (r *rewriter) replace(old, now string) {
	r.write(now)
	if len(old) != len(now) {
		r.edits = append(r.edits, edit{line: r.line + 1, column: r.out.Len() - r.start, grown: len(now) - len(old)})
	}
}

func (r *rewriter) copyTo(from, to int) int {
	r.write(r.text[from:to])
	return to
}

func (r *rewriter) write(s string) {
	at := r.out.Len()
	r.out.WriteString(s)
	if n := strings.Count(s, "\n"); n > 0 {
		r.line += n
		r.start = at + strings.LastIndexByte(s, '\n') + 1
	}
}

// knownEscapes follow a backslash in a literal.
const knownEscapes = "abfnrtvxuU01234567\\'\"\n\r"

// escapes doubles the backslashes that begin no escape.
func escapes(literal string) string {
	if !strings.Contains(literal, `\`) {
		return literal
	}
	var b strings.Builder
	for i := 0; i < len(literal); i++ {
		b.WriteByte(literal[i])
		if literal[i] != '\\' || i+1 == len(literal) {
			continue
		}
		if strings.IndexByte(knownEscapes, literal[i+1]) < 0 {
			b.WriteByte('\\')
			continue
		}
		i++
		b.WriteByte(literal[i])
	}
	return b.String()
}

// fstring takes a literal apart: the text with {} in place of each expression, and the expressions in parentheses.
func fstring(literal string) (body string, args []string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(literal); i++ {
		c := literal[i]
		switch {
		case c == '{' && strings.HasPrefix(literal[i:], "{{"), c == '}' && strings.HasPrefix(literal[i:], "}}"):
			b.WriteString(literal[i : i+2])
			i++
		case c == '{':
			expr, conversion, n, ok := embedded(literal[i:])
			if !ok {
				return "", nil, false
			}
			args = append(args, "("+expr+")")
			b.WriteString("{" + conversion + "}")
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), args, true
}

// embedded reads {EXPR}, {EXPR!r} or {EXPR!s} at the start of s and returns how many bytes it has.
func embedded(s string) (expr, conversion string, n int, ok bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'', '"':
			i = stringEnd(s, i) - 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth > 0 {
				continue
			}
			expr = s[1:i]
			if rest, found := strings.CutSuffix(expr, "!r"); found {
				expr, conversion = rest, "!r"
			} else if rest, found := strings.CutSuffix(expr, "!s"); found {
				expr = rest
			}
			expr = strings.TrimSpace(expr)
			return expr, conversion, i + 1, c == '}' && oneExpression(expr)
		}
	}
	return "", "", 0, false
}

// oneExpression: the text is an expression, and no bare tuple.
func oneExpression(text string) bool {
	e, err := (&syntax.FileOptions{}).ParseExpr("", text, 0)
	if err != nil || strings.ContainsAny(text, "\\\n#") {
		return false
	}
	tuple, ok := e.(*syntax.TupleExpr)
	return !ok || tuple.Lparen.IsValid()
}

// stringEnd returns the offset behind the literal that begins with the quote at i; an open literal ends with its line.
func stringEnd(text string, i int) int {
	quote := text[i : i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text[i:], triple) {
		quote = triple
	}
	for j := i + len(quote); j < len(text); j++ {
		switch {
		case text[j] == '\\':
			j++
		case strings.HasPrefix(text[j:], quote):
			return j + len(quote)
		case text[j] == '\n' && len(quote) == 1:
			return j
		}
	}
	return len(text)
}

func endOf(text string, i int, mark string) int {
	if n := strings.Index(text[i:], mark); n >= 0 {
		return i + n
	}
	return len(text)
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
