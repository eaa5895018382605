package responses

import (
	"fmt"
	"io"
	"log/slog"
)

// mask is what every printer sees in place of a secret.
const mask = "[secret]"

// APIKey holds a secret that prints as a mask under every verb, in JSON and in
// slog. The text lies behind a pointer because fmt walks unexported fields of
// enclosing structs without calling their methods.
type APIKey struct{ text *string }

// NewAPIKey wraps text. The empty text gives the zero key.
func NewAPIKey(text string) APIKey {
	if text == "" {
		return APIKey{}
	}
	return APIKey{text: &text}
}

// Reveal returns the secret; only a header may receive it.
func (k APIKey) Reveal() string {
	if k.text == nil {
		return ""
	}
	return *k.text
}

// IsZero reports whether there is no key.
func (k APIKey) IsZero() bool { return k.text == nil }

func (k APIKey) String() string {
	if k.IsZero() {
		return ""
	}
	return mask
}

// Format implements [fmt.Formatter] so that no verb reaches the pointer.
func (k APIKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// LogValue implements [slog.LogValuer].
func (k APIKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText writes the mask, never the key.
func (k APIKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes the key from a configuration file.
func (k *APIKey) UnmarshalText(text []byte) error {
	*k = NewAPIKey(string(text))
	return nil
}
