package event

import "fmt"

// Removal is what is left of a text that was taken out of an event, before it was recorded or before it was exported.
type Removal struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Bytes int    `json:"bytes"` // removed
	// Fingerprint is the first 8 bytes, in hex, of HMAC-SHA256 over the removed text: the holder of the key can tell that
	// two removed texts are equal. Empty without a key, for cuts, and for fields that never leave.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// String is the form in telemetry: field/rule/bytes[/fingerprint].
func (r Removal) String() string {
	if r.Fingerprint == "" {
		return fmt.Sprintf("%s/%s/%d", r.Field, r.Rule, r.Bytes)
	}
	return fmt.Sprintf("%s/%s/%d/%s", r.Field, r.Rule, r.Bytes, r.Fingerprint)
}

// Masked says what was masked in an event before it was recorded, and by which rules. What ran, and what the action digest
// is of, was not masked.
type Masked struct {
	Rules    string    `json:"rules"` // version, see internal/redact
	Removals []Removal `json:"removals"`
}

// In reports whether something was masked in one of the fields.
func (m *Masked) In(fields ...string) bool {
	if m == nil {
		return false
	}
	for _, r := range m.Removals {
		for _, f := range fields {
			if r.Field == f || r.Field == "*" {
				return true
			}
		}
	}
	return false
}

// Filter takes secrets out of a text that comes in pieces. It returns what is settled and holds the rest back; Flush ends the
// text. It is for one goroutine.
type Filter interface {
	Write(piece string) (string, []Removal)
	Flush() (string, []Removal)
}
