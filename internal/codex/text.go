package codex

import (
	"strings"

	"proctor/event"
)

const (
	maxText      = 1 << 20   // messages and outputs, in bytes
	maxArguments = 256 << 10 // arguments of a call, in bytes
	maxPath      = 4096      // PATH_MAX
	maxLabel     = 128       // ids and words, in bytes: below what the envelope takes
)

// cut shortens a text to a bound, at a character, and counts it.
func (m *importer) cut(s string, most int) (string, bool) {
	if len(s) <= most {
		return s, false
	}
	m.sum.CutTexts++
	return strings.ToValidUTF8(s[:most], ""), true
}

func (m *importer) secret(s string) event.Sensitive {
	s, _ = m.cut(s, maxText)
	return event.Secret(s)
}

func clipLabel(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	return strings.ToValidUTF8(s[:maxLabel], "") + "…"
}
