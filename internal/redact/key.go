package redact

import (
	"fmt"
	"log/slog"
)

// Key keys the fingerprints of receipts. It prints as its length.
type Key []byte

// Format implements fmt.Formatter.
func (k Key) Format(s fmt.State, _ rune) {
	_, _ = s.Write(fmt.Appendf(nil, "[key of %d bytes]", len(k)))
}

// LogValue implements slog.LogValuer.
func (k Key) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%v", k)) }

// MarshalText keeps the key out of JSON.
func (k Key) MarshalText() ([]byte, error) { return fmt.Append(nil, k), nil }
