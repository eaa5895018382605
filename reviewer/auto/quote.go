package auto

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quote makes foreign text safe to show, without losing a byte of it: what is invisible, reorders text or begins a line
// for some readers stands as its code point between ⟦ and ⟧, as do bytes that are no UTF-8 and the two brackets themselves. So
// whatever else stands between such brackets was written by this program.
func quote(text string) string {
	first := strings.IndexFunc(text, hidden)
	if first < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "⟦x%02X⟧", text[i])
		case hidden(r):
			fmt.Fprintf(&b, "⟦%04X⟧", r)
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// quoteJSON does the same for JSON, which stays the same JSON: outside of strings it has no such character.
func quoteJSON(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// hidden reports whether a character is shown by its code point.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x7f:
		return r < ' '
	case r < 0xa0, r == '⟦', r == '⟧', r == '\u2028', r == '\u2029':
		return true
	}
	return r >= 0xad && unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
