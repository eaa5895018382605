package ledger

import (
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// sessionRecord is what is stored about a session besides its entries. It changes when the
// session begins, closes, goes on, or is erased, so it costs nothing per entry.
type sessionRecord struct {
	V      int        `json:"v"`
	First  event.Seq  `json:"first"`
	Starts *event.Seq `json:"conversation_starts,omitempty"` // the newest one
	// Originator is that of the newest one, so that who looks for sessions of a kind need not read entries. It is missing where an older program
	// wrote the record, and where it is longer than maxOriginator.
	Originator string `json:"originator,omitempty"`
	Closed     bool   `json:"closed"`
	// Erased is one more than the highest index whose content was erased; 0 when none was.
	Erased event.Seq `json:"erased,omitempty"`
}

const sessionRecordVersion = 1

// maxOriginator bounds the originator in a record, in bytes.
const maxOriginator = 128

// session is what the committer knows about a session it writes to.
type session struct {
	record  sessionRecord
	last    uint64 // number of the last entry
	planned uint64 // last, if the submission at hand is accepted
	key     cipher.AEAD
	known   bool // the record is stored
	keyless bool // its key was erased in the group at hand
}

// maxSessions bounds the committer's cache; a session that was dropped is read again when needed.
const maxSessions = 1024

// loadSession reads a session's state; an unknown session is an empty one.
func loadSession(db pebble.Reader, name string) (*session, error) {
	s := &session{}
	record, err := loadRecord(db, name)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return s, nil
	}
	s.record, s.known = *record, true
	s.last, _, err = lastBelow(db, name, math.MaxUint64)
	s.planned = s.last
	return s, err
}

// loadRecord returns nil for an unknown session.
func loadRecord(db pebble.Reader, name string) (*sessionRecord, error) {
	b, err := get(db, nameKey(prefixRecord, name))
	if err != nil {
		return nil, fmt.Errorf("read record of session %s: %w", name, err)
	}
	if b == nil {
		return nil, nil
	}
	return parseRecord(name, b)
}

func parseRecord(name string, b []byte) (*sessionRecord, error) {
	r := &sessionRecord{}
	if err := json.Unmarshal(b, r); err != nil || r.V != sessionRecordVersion {
		return nil, fmt.Errorf("record of session %s is not of version %d: %w", name, sessionRecordVersion, ErrDamaged)
	}
	return r, nil
}

func (r sessionRecord) save(b batch, name string) error {
	r.V = sessionRecordVersion
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record of session %s: %w", name, err)
	}
	return b.Set(nameKey(prefixRecord, name), value, nil)
}

// note follows what an entry says about its session and reports whether the record changed.
func (s *session) note(kind event.Kind, index event.Seq, public []byte) bool {
	changed := !s.known
	if !s.known {
		s.record.First, s.known = index, true
	}
	if kind == event.ConversationStarts {
		s.record.Starts, s.record.Originator, changed = &index, originatorOf(public), true
	}
	if closed := kind == event.SessionClosed; closed != s.record.Closed {
		s.record.Closed, changed = closed, true
	}
	return changed
}

// originatorOf is that of a conversation_starts, empty where it does not go into a record.
func originatorOf(public []byte) string {
	e, err := event.Decode(event.Encoded{Public: public})
	if err != nil {
		return ""
	}
	p, ok := e.Payload.(*event.ConversationStartsPayload)
	if !ok || len(p.Originator) > maxOriginator {
		return ""
	}
	return p.Originator
}

// lastBelow returns the number and the index of a session's last entry with an index below size; 0 when it has none.
func lastBelow(db pebble.Reader, name string, size uint64) (number uint64, index event.Seq, err error) {
	lower := sessionKey(prefixSession, name, 0)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: sessionEnd(prefixSession, name)})
	if err != nil {
		return 0, 0, fmt.Errorf("read last entry of session %s: %w", name, err)
	}
	defer it.Close()
	for ok := it.Last(); ok; ok = it.Prev() {
		k, v := it.Key(), it.Value()
		if len(k) != len(lower) || len(v) != 8 {
			return 0, 0, fmt.Errorf("index of session %s, key %x: %w", name, k, ErrDamaged)
		}
		if index := binary.BigEndian.Uint64(v); index < size {
			return binary.BigEndian.Uint64(k[len(k)-8:]), event.Seq(index), nil
		}
	}
	return 0, 0, it.Error()
}
