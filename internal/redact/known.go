package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// MinKnown is the length of the shortest known value that is looked for, in bytes: shorter ones are found in every other text.
const MinKnown = 6

// Known is a text that is known to be secret. It is held by a function: fmt looks into unexported fields without asking
// their types how they want to be printed, and of a function it prints an address.
type Known struct {
	Name string
	text func() string
}

// NewKnown makes a Known; false when the text is too short to be looked for, or longer than a match may be.
func NewKnown(name, text string) (Known, bool) {
	name = strings.Map(func(r rune) rune {
		if r < '!' || r > '~' || strings.ContainsRune(notInID, r) {
			return '_'
		}
		return r
	}, name)
	return Known{name[:min(len(name), maxID)], func() string { return text }}, len(text) >= MinKnown && len(text) <= maxWindow
}

// Same reports whether v and w are the same text.
func (v Known) Same(w Known) bool { return v.text() == w.text() }

// forms are how the value may stand in a text: as it is, escaped in JSON once and twice, in a URL, in base64 on its own
// or within something longer, in hex.
func (v Known) forms() []string {
	text := v.text()
	once := quoted(text)
	forms := []string{text, once, quoted(once), url.QueryEscape(text), url.PathEscape(text)}
	if len(text) >= 12 {
		forms = append(forms, hex.EncodeToString([]byte(text)))
		for pad := range 3 { // where it begins decides how it looks in base64; what the neighbours change is left out
			padded := strings.Repeat("\x00", pad) + text
			for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				coded := enc.EncodeToString([]byte(padded))
				coded = coded[[]int{0, 2, 3}[pad] : len(padded)*8/6]
				forms = append(forms, coded)
			}
		}
	}
	slices.Sort(forms)
	forms = slices.Compact(forms)
	return slices.DeleteFunc(forms, func(f string) bool { return len(f) < MinKnown || len(f) > maxWindow })
}

func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil { // unreachable: texts always have a JSON form
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), `"`), `"`)
}
