package event

import (
	"fmt"

	"github.com/google/uuid"
)

// ID names one event, for ever: a UUIDv7 in its usual text form. Sending an
// event again with the same ID does not record it twice.
type ID string

// NewID makes an ID that sorts by time of creation.
func NewID() ID {
	return ID(uuid.Must(uuid.NewV7()).String())
}

// Valid reports whether id is a UUID in lower-case text form.
func (id ID) Valid() bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// MaxSession bounds the length of a session id.
const MaxSession = 64

// CheckSession says what is wrong with a session id: it becomes part of bus
// subjects and ledger keys, so only letters, digits, '-' and '_' may stand in it.
func CheckSession(id string) error {
	if id == "" || len(id) > MaxSession {
		return fmt.Errorf("session id %q: want 1 to %d characters", id, MaxSession)
	}
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return fmt.Errorf("session id %q: character %q is not a letter, digit, '-' or '_'", id, r)
		}
	}
	return nil
}
