package execrules

import (
	"errors"
	"strings"
)

var errQuote = errors.New("there is an open quote or a backslash at the end")

// SplitWords splits a command line as a POSIX shell does, without any expansion; # at the start of a word begins a
// comment.
func SplitWords(s string) ([]string, error) {
	var out []string
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ', '\t', '\n':
			i++
			continue
		case '#':
			for i < len(s) && s[i] != '\n' {
				i++
			}
			continue
		}
		word, next, err := oneWord(s, i)
		if err != nil {
			return nil, err
		}
		out = append(out, word)
		i = next
	}
	return out, nil
}

func oneWord(s string, i int) (string, int, error) {
	var b strings.Builder
	for i < len(s) {
		switch c := s[i]; c {
		case ' ', '\t', '\n':
			return b.String(), i, nil
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return "", 0, errQuote
			}
			b.WriteString(s[i+1 : i+1+end])
			i += end + 2
		case '"':
			next, err := doubleQuoted(&b, s, i+1)
			if err != nil {
				return "", 0, err
			}
			i = next
		case '\\':
			if i+1 == len(s) {
				return "", 0, errQuote
			}
			if s[i+1] != '\n' {
				b.WriteByte(s[i+1])
			}
			i += 2
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), i, nil
}

func doubleQuoted(b *strings.Builder, s string, i int) (next int, err error) {
	for i < len(s) {
		switch c := s[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0:
			if s[i+1] != '\n' {
				b.WriteByte(s[i+1])
			}
			i += 2
		default:
			b.WriteByte(c)
			i++
		}
	}
	return 0, errQuote
}
