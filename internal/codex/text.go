package codex

import (
	"bytes"
	"encoding/json"
	"fmt"
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
func (m *reports) cut(s string, most int) (string, bool) {
	if len(s) <= most {
		return s, false
	}
	m.sum.CutTexts++
	return strings.ToValidUTF8(s[:most], ""), true
}

func (m *reports) secret(s string) event.Sensitive {
	s, _ = m.cut(s, maxText)
	return event.Secret(s)
}

func clipLabel(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	return strings.ToValidUTF8(s[:maxLabel], "") + "…"
}

func (m *reports) output(s string) (event.Sensitive, bool) {
	s, cut := m.cut(s, maxText)
	return event.Secret(s), cut
}

// members is a JSON object of some members of o, as they stand.
func (m *reports) members(o object, names ...string) event.Sensitive {
	var b strings.Builder
	for _, name := range names {
		if raw, ok := o.fields[name]; ok {
			sep := ","
			if b.Len() == 0 {
				sep = "{"
			}
			fmt.Fprintf(&b, "%s%q:%s", sep, name, raw)
		}
	}
	if b.Len() == 0 {
		return event.Sensitive{}
	}
	return m.raw(json.RawMessage(b.String() + "}"))
}

// raw keeps JSON without its blanks; arguments above the bound are cut.
func (m *reports) raw(raw json.RawMessage) event.Sensitive {
	if len(raw) == 0 || string(raw) == "null" {
		return event.Sensitive{}
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil { // unreachable: it was parsed before
		return event.Sensitive{}
	}
	s, _ := m.cut(b.String(), maxArguments)
	return event.Secret(s)
}
