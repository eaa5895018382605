package seatbelt

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"proctor/executor/sandbox"
)

// quote is a string of SBPL, which is read as a Scheme string: quotation marks and backslashes are escaped. For other
// special characters there is no escape that is sure to be understood, so a path with one is refused.
func (w *writer) quote(s string) string {
	w.check(s)
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (w *writer) check(s string) {
	if w.err == nil && (!utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })) {
		w.err = fmt.Errorf("%w: path %q has characters that a Seatbelt profile cannot name", sandbox.ErrUnsupported, s)
	}
}

// anySpelling is a regular expression for p and everything below it, with the letters of its last name in either case.
func (w *writer) anySpelling(p string) string {
	w.check(p)
	var b strings.Builder
	dir, name := path.Split(p)
	b.WriteByte('^')
	for _, r := range dir {
		literal(&b, r)
	}
	for _, r := range name {
		lower, upper := strings.ToLower(string(r)), strings.ToUpper(string(r))
		if r < 0x80 && lower != upper {
			b.WriteString("[" + lower + upper + "]")
			continue
		}
		literal(&b, r)
	}
	b.WriteString("(/|$)")
	return b.String()
}

// literal writes one character of a regular expression. A bracket expression needs no backslash, which inside #"..."
// would meet two rules of escaping at once.
func literal(b *strings.Builder, r rune) {
	switch {
	case r == '^':
		b.WriteString(`\^`) // in brackets it would negate
	case r == '\\':
		b.WriteString(`\\`)
	case r == '"':
		b.WriteString(`\"`)
	case strings.ContainsRune(`.[]{}()*+?|$`, r):
		b.WriteString("[" + string(r) + "]")
	default:
		b.WriteRune(r)
	}
}
