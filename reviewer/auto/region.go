package auto

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxItem is the size of one text item of the request, in bytes.
const maxItem = 36_000

// maxName bounds a tool's name on a header line, in bytes.
const maxName = 128

// mark is what untrusted text cannot know: it was drawn after that text existed.
func mark(review string) string {
	sum := sha256.Sum256([]byte(review))
	return hex.EncodeToString(sum[:6])
}

// writer sets foreign text apart from ours: our lines begin at the margin with the mark, every other line is indented.
type writer struct{ mark string }

func (w writer) header(text string) string { return "#" + w.mark + " " + text + "\n" }

// block is a header and quoted text below it.
func (w writer) block(header, quoted string) string { return w.header(header) + indent(quoted) + "\n" }

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// items is one block cut into text items: each begins with a header of its own, so that no item begins with foreign text.
// Nothing is lost; a line is cut only when it fills an item alone.
func (w writer) items(header, again, within, quoted string) []string {
	var out []string
	var item strings.Builder
	room := func() int { return maxItem - item.Len() - len("  \n") }
	next := func(h string) {
		if item.Len() > 0 {
			out = append(out, item.String())
			item.Reset()
		}
		item.WriteString(w.header(h))
	}
	next(header)
	for line := range strings.SplitSeq(quoted, "\n") {
		if len(line) > room() && len(line) <= maxItem/2 {
			next(again)
		}
		for len(line) > room() {
			cut := boundary(line, room())
			item.WriteString("  " + line[:cut] + "\n")
			line = line[cut:]
			next(within)
		}
		item.WriteString("  " + line + "\n")
	}
	return append(out, item.String())
}

// boundary is the last place up to size where text may be cut: between characters.
func boundary(text string, size int) int {
	cut := size
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	if cut == 0 { // not UTF-8: any place will do
		return size
	}
	return cut
}

// name keeps a tool's name on its header line.
func name(tool string) string {
	return strings.Map(nameRune, tool[:min(len(tool), maxName)])
}

func nameRune(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("_-./", r) {
		return r
	}
	return '?'
}
