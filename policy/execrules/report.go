package execrules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Report is what `codex execpolicy check` prints for the result, without the line break: names, order, escapes and indentation are
// the same, byte for byte. Source: runs of Codex CLI 0.169.0.
func (r Result) Report(pretty bool) []byte {
	out := report{Matched: []reportMatch{}}
	for _, m := range r.Matches {
		out.Matched = append(out.Matched, reportMatch{prefixMatch{
			Prefix: texts(m.Prefix), Decision: DecisionWord(m.Decision), Program: text(m.ResolvedProgram), Justification: text(m.Justification),
		}})
	}
	if r.Decision != "" {
		out.Decision = DecisionWord(r.Decision)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if pretty {
		enc.SetIndent("", "  ")
	}
	_ = enc.Encode(out) // strings and lists of strings always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

type report struct {
	Matched  []reportMatch `json:"matchedRules"`
	Decision string        `json:"decision,omitempty"`
}

type reportMatch struct {
	Prefix prefixMatch `json:"prefixRuleMatch"`
}

type prefixMatch struct {
	Prefix        []text `json:"matchedPrefix"`
	Decision      string `json:"decision"`
	Program       text   `json:"resolvedProgram,omitempty"`
	Justification text   `json:"justification,omitempty"`
}

// text is a string that is escaped no further than JSON demands; encoding/json also escapes U+2028 and U+2029.
type text string

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

// MarshalJSON quotes the text.
func (t text) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range string(t) {
		switch short, ok := shortEscapes[r]; {
		case ok:
			b.WriteString(short)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return []byte(b.String()), nil
}

func texts(words []string) []text {
	out := make([]text, len(words))
	for i, w := range words {
		out[i] = text(w)
	}
	return out
}
