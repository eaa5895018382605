package execrules

import "strings"

// edits remembers where rewriting made a line longer, so that columns of messages fit the original text.
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

// rewriteFStrings turns f"a {x}" into "a {x}".format(x=x), as go.starlark.net has no f-strings. As in starlark-rust only plain
// names may stand in the braces; what is no f-string, or a malformed one, stays as it is for the parser to judge.
func rewriteFStrings(text string) (string, edits) {
	if !strings.Contains(text, `f"`) && !strings.Contains(text, "f'") {
		return text, nil
	}
	r := fstringRewriter{text: text}
	r.run()
	return r.out.String(), r.edits
}

type fstringRewriter struct {
	text  string
	out   strings.Builder
	edits edits
	line  int // of the output, from 0
	start int // offset in out where the line begins
}

func (r *fstringRewriter) run() {
	for i := 0; i < len(r.text); {
		c := r.text[i]
		switch {
		case c == '#':
			i = r.copyTo(i, endOf(r.text, i, "\n"))
		case c == '"' || c == '\'':
			i = r.copyTo(i, stringEnd(r.text, i))
		case isNameByte(c):
			i = r.word(i)
		default:
			i = r.copyTo(i, i+1)
		}
	}
}

// word copies a name or number, with the string literal it may be a prefix of.
func (r *fstringRewriter) word(i int) int {
	end := i
	for end < len(r.text) && isNameByte(r.text[end]) {
		end++
	}
	if end == len(r.text) || (r.text[end] != '"' && r.text[end] != '\'') {
		return r.copyTo(i, end)
	}
	prefix := r.text[i:end]
	stop := stringEnd(r.text, end)
	if prefix != "f" && prefix != "fr" && prefix != "rf" {
		return r.copyTo(i, stop)
	}
	names, ok := fstringNames(r.text[end:stop])
	if !ok {
		return r.copyTo(i, stop)
	}
	if strings.Contains(prefix, "r") {
		r.out.WriteByte('r')
	}
	r.copyTo(end, stop)
	call := ".format(" + strings.Join(names, ", ") + ")"
	r.edits = append(r.edits, edit{line: r.line + 1, column: r.out.Len() - r.start, grown: len(call) - 1})
	r.out.WriteString(call)
	return stop
}

// fstringNames returns the arguments name=name of a literal.
func fstringNames(literal string) ([]string, bool) {
	var names []string
	seen := map[string]bool{}
	for i := 0; i < len(literal); i++ {
		switch {
		case strings.HasPrefix(literal[i:], "{{") || strings.HasPrefix(literal[i:], "}}"):
			i++
		case literal[i] == '{':
			name, _, ok := strings.Cut(literal[i+1:], "}")
			if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return c > 127 || !isNameByte(byte(c)) }) { //nolint:gosec // at most 127
				return nil, false
			}
			if !seen[name] {
				seen[name] = true
				names = append(names, name+"="+name)
			}
			i += len(name) + 1
		}
	}
	return names, true
}

func (r *fstringRewriter) copyTo(from, to int) int {
	for _, c := range []byte(r.text[from:to]) {
		r.out.WriteByte(c)
		if c == '\n' {
			r.line++
			r.start = r.out.Len()
		}
	}
	return to
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
