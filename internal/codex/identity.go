package codex

import (
	"time"

	"github.com/google/uuid"

	"proctor/event"
)

// IDOf is the id of an event that comes from a source which may be read again: of its time and a digest of at least 16 bytes.
func IDOf(at time.Time, digest []byte) event.ID {
	var u uuid.UUID
	copy(u[:], digest)
	ms := at.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // the byte is what is wanted
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return event.ID(u.String())
}
