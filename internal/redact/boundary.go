package redact

import (
	"regexp"
	"strings"
)

// lookBehind is how many bytes before a place say whether it is inside a word.
const lookBehind = 20

// written is what may stand right before a word and whose last byte looks like a part of it: \n and \u003c of JSON, also of JSON in JSON, %3D
// of a URL, the sequences by which a terminal is told of colours, as they are and as JSON writes them.
var written = regexp.MustCompile(`(?:\\[nrtbf]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}|(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e)\[[0-9;?]{0,10}[A-Za-z])$`)

// inWord reports whether text[at:] goes on with a word that began before.
func inWord(text string, at int) bool {
	if at == 0 || !wordByte(text[at-1]) {
		return false
	}
	behind := text[max(0, at-lookBehind):at]
	return strings.LastIndexAny(behind, `\%[`) < 0 || !written.MatchString(behind)
}
