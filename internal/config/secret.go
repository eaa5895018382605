package config

import "log/slog"

// masked stands wherever a secret would be printed.
const masked = "[set]"

// Secret is a configured text that must not be printed: a header value, a token,
// a variable of a server. Every verb, JSON and slog show a mask.
type Secret string

// Reveal returns the text. Call it only where it goes on the wire.
func (s Secret) Reveal() string { return string(s) }

// String masks the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString masks the text under %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText masks the text in JSON and in map keys.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText keeps the text as it is.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = Secret(b)
	return nil
}

// LogValue masks the text in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
