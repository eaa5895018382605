package command

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

var ansiLetters = map[byte]byte{'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?'}

// ansiDigits: escape letter, base and most digits, as bash reads $'...'.
var ansiDigits = map[byte]struct{ base, most int }{'x': {16, 2}, 'u': {16, 4}, 'U': {16, 8}}

// ansiC returns the value of $'s'.
func ansiC(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		c := s[i]
		if v, ok := ansiLetters[c]; ok {
			b.WriteByte(v)
			continue
		}
		d, ok := ansiDigits[c]
		start := i + 1
		if c >= '0' && c <= '7' {
			d.base, d.most, ok, start = 8, 3, true, i
		}
		n := digits(s[min(start, len(s)):], d.base, d.most)
		if !ok || n == 0 {
			b.WriteByte('\\')
			b.WriteByte(c)
			continue
		}
		v, err := strconv.ParseUint(s[start:start+n], d.base, 32)
		switch {
		case err != nil:
		case c == 'u' || c == 'U':
			b.WriteString(string(validRune(v)))
		default:
			b.WriteByte(byte(v)) //nolint:gosec // the low eight bits, as a shell does
		}
		i = start + n - 1
	}
	return b.String()
}

func validRune(v uint64) rune {
	if v > utf8.MaxRune {
		return utf8.RuneError
	}
	return rune(v)
}

func digits(s string, base, most int) int {
	n := 0
	for n < len(s) && n < most && strings.IndexByte("0123456789abcdef"[:base], s[n]|0x20) >= 0 && isHex(s[n]) {
		n++
	}
	return n
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
