package replay

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks bounds combining marks on one character; more would be drawn over other lines.
const maxMarks = 3

// Escape makes text fit for one line of a terminal or page. What a terminal would act on, or a reader could not
// see, becomes ⟨ESC⟩, ⟨U+202E⟩ or, for bytes that are no UTF-8, ⟨0xFF⟩. Line ends become ↵, tabs four spaces.
func Escape(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	marks := 0
	for i, r := range text {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, "⟨0x%02X⟩", text[i])
		case r == '\n':
			b.WriteString("↵")
		case r == '\r' && strings.HasPrefix(text[i+1:], "\n"): // one line end
		case r == '\t':
			b.WriteString("    ")
		case r == 0x1b:
			b.WriteString("⟨ESC⟩")
		case hidden(r) || marks > maxMarks:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain reports whether text is printable ASCII: nothing to do.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// hidden reports characters without a visible form of their own: controls, format characters (bidi,
// zero width, tags), odd spaces, fillers, and the variation selectors that can carry hidden data.
func hidden(r rune) bool {
	switch {
	case !strconv.IsPrint(r):
		return true
	case r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x2800: // Hangul fillers, blank braille
		return true
	case r == 0x034F, r >= 0x180B && r <= 0x180F: // joiner, Mongolian selectors
		return true
	case r >= 0xFE00 && r <= 0xFE0D, r >= 0xE0100 && r <= 0xE01EF: // selectors but text and emoji style
		return true
	}
	return false
}

// cells is the width of escaped text in terminal cells.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += runeCells(r)
	}
	return n
}

// runeCells follows the wide blocks of UAX #11; what is unsure counts as wide, so that lines never overflow.
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.Is(unicode.M, r):
		return 0
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xA960 && r <= 0xA97F,
		r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF, r >= 0xFE30 && r <= 0xFE6F,
		r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F000 && r <= 0x1FAFF,
		r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

// fit cuts escaped text to at most width cells and marks the cut; width 0 does not cut.
func fit(text string, width int) string {
	if width <= 0 || len(text) <= width || cells(text) <= width {
		return text
	}
	n := 0
	for i, r := range text {
		if n += runeCells(r); n > width-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// clip cuts raw text to at most limit bytes at a character boundary and marks the cut.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// wrap breaks escaped text into at most most lines of at most width cells, at spaces where there are any; the
// last line is cut. Width 0 does not break.
func wrap(text string, width, most int) []string {
	var out []string
	for len(out) < most-1 && width > 0 && cells(text) > width {
		n, space, end := 0, -1, 0
		for i, r := range text {
			if n += runeCells(r); n > width {
				end = i
				break
			}
			if r == ' ' {
				space = i
			}
		}
		if space > 0 {
			end = space
		}
		if end == 0 { // one character is wider than the line
			break
		}
		out = append(out, text[:end])
		text = strings.TrimLeft(text[end:], " ")
	}
	return append(out, fit(text, width))
}
