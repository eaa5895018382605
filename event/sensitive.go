package event

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
)

// saltSize is the length of a salt in bytes.
const saltSize = 16

// mask is what a Sensitive prints.
const mask = "[REDACTED]"

// Sensitive is text that may hold secrets or personal data. It prints as a mask
// under every verb, in logs and in JSON; Reveal is the only way to its text.
//
// In JSON a Sensitive is {"sealed": commitment, "bytes": length}, where the
// commitment is hex SHA-256 over a random 16-byte salt and the text. Content
// travels beside it (see [Encode]); a Sensitive decoded without its content, or
// whose content was erased, keeps the length and the commitment.
type Sensitive struct {
	text   string
	salt   [saltSize]byte
	commit [sha256.Size]byte
	size   int
	state  sealState
}

type sealState uint8

const (
	empty   sealState = iota
	clear             // text, no commitment yet
	sealed            // text, salt and commitment
	without           // commitment and length only
)

// Secret wraps s. Secret("") is the zero value.
func Secret(s string) Sensitive {
	if s == "" {
		return Sensitive{}
	}
	return Sensitive{text: s, size: len(s), state: clear}
}

// SecretJSON wraps the JSON form of v; a value that has none is a defect of the
// caller and becomes the text of the error.
func SecretJSON(v any) Sensitive {
	b, err := marshal(v)
	if err != nil {
		return Secret(fmt.Sprintf("%q", err))
	}
	return Secret(string(b))
}

// Reveal returns the text, and false when only the commitment is left.
func (s Sensitive) Reveal() (string, bool) { return s.text, s.state != without }

// Len is the length of the text in bytes, known even after erasure.
func (s Sensitive) Len() int { return s.size }

// IsZero reports whether there is no text at all; encoding/json leaves such fields out under omitzero.
func (s Sensitive) IsZero() bool { return s.state == empty }

// String and the methods below print the mask.
func (s Sensitive) String() string { return mask }

// GoString implements fmt.GoStringer.
func (s Sensitive) GoString() string { return mask }

// Format implements fmt.Formatter for every verb.
func (s Sensitive) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue implements slog.LogValuer.
func (s Sensitive) LogValue() slog.Value { return slog.StringValue(mask) }

type sealedJSON struct {
	Commitment string `json:"sealed"`
	Bytes      int    `json:"bytes"`
}

// MarshalJSON writes the commitment, never the text.
func (s Sensitive) MarshalJSON() ([]byte, error) {
	return s.appendSealed(nil), nil
}

func (s *Sensitive) appendSealed(dst []byte) []byte {
	if s.state == empty {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"sealed":"`...)
	if s.state != clear {
		dst = hex.AppendEncode(dst, s.commit[:])
	}
	dst = strconv.AppendInt(append(dst, `","bytes":`...), int64(s.size), 10)
	return append(dst, '}')
}

// UnmarshalJSON reads what MarshalJSON wrote; [Decode] attaches the text.
func (s *Sensitive) UnmarshalJSON(b []byte) error {
	*s = Sensitive{}
	if string(b) == "null" {
		return nil
	}
	var v sealedJSON
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("sealed text: %w", err)
	}
	c, err := hex.DecodeString(v.Commitment)
	if err != nil || len(c) != sha256.Size {
		return fmt.Errorf("sealed text: commitment is not %d hex bytes", sha256.Size)
	}
	if v.Bytes <= 0 {
		return errors.New("sealed text: length is not positive")
	}
	s.commit, s.size, s.state = [sha256.Size]byte(c), v.Bytes, without
	return nil
}

func (s *Sensitive) seal() {
	if s.state != clear {
		return
	}
	_, _ = rand.Read(s.salt[:]) // never fails since Go 1.24
	s.commit = commitment(s.salt, s.text)
	s.state = sealed
}

// attach puts a text, behind its salt, back, after checking it against the commitment.
func (s *Sensitive) attach(salted []byte) error {
	c := sha256.Sum256(salted)
	if s.state != without || subtle.ConstantTimeCompare(c[:], s.commit[:]) != 1 || len(salted) != saltSize+s.size {
		return ErrContentMismatch
	}
	s.salt, s.text, s.state = [saltSize]byte(salted), string(salted[saltSize:]), sealed
	return nil
}

func commitment(salt [saltSize]byte, text string) [sha256.Size]byte {
	var room [1024]byte // on the stack, enough for most texts
	return sha256.Sum256(append(append(room[:0], salt[:]...), text...))
}

// ErrContentMismatch means that content beside an event is not what its public
// part committed to: it was altered, or belongs to another event.
var ErrContentMismatch = errors.New("content does not match its commitment")
