package ledger

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// seeker finds keys that are asked for in about their order, for a fraction of what a look-up costs each. Not for two goroutines.
type seeker struct {
	db pebble.Reader
	it *pebble.Iterator
}

func newSeeker(db pebble.Reader, lower, upper []byte) (*seeker, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	return &seeker{db, it}, nil
}

// find returns the value of a key until the next find, nil when there is none. What an iterator cannot read may be in a
// place that the key does not need, so then the key is looked up.
func (s *seeker) find(key []byte) ([]byte, error) {
	if (s.step(key) || s.it.SeekGE(key)) && bytes.Equal(s.it.Key(), key) {
		if v, err := s.it.ValueAndErr(); err == nil {
			return notNil(v), nil
		}
		return get(s.db, key)
	}
	if s.it.Error() != nil {
		return get(s.db, key)
	}
	return nil, nil
}

// fewSteps cost less than one seek: the entries of a session lie among those of a few others.
const fewSteps = 12

// step goes ahead to the key, or a later one, if that is near.
func (s *seeker) step(key []byte) bool {
	for range fewSteps {
		if !s.it.Valid() || !s.it.Next() {
			return false
		}
		if c := bytes.Compare(s.it.Key(), key); c >= 0 {
			return c == 0
		}
	}
	return false
}

func (s *seeker) close() error { return s.it.Close() }

// notNil keeps an empty value apart from none.
func notNil(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}

// maxSeekers bounds how many sessions are followed at a time; each holds a few blocks.
const maxSeekers = 64

// sessionSeekers follow the keys of many sessions at a time, as the entries of several writers lie among each other.
type sessionSeekers struct {
	db     pebble.Reader
	prefix byte
	open   map[string]*seeker
	key    []byte // scratch
}

func newSessionSeekers(db pebble.Reader, prefix byte) *sessionSeekers {
	return &sessionSeekers{db: db, prefix: prefix, open: map[string]*seeker{}}
}

// find is [seeker.find] for a number below a session.
func (m *sessionSeekers) find(session string, n uint64) ([]byte, error) {
	s, ok := m.open[session]
	if !ok {
		var err error
		if err = m.evict(); err != nil {
			return nil, err
		}
		if s, err = newSeeker(m.db, sessionKey(m.prefix, session, 0), sessionEnd(m.prefix, session)); err != nil {
			return nil, err
		}
		m.open[session] = s
	}
	m.key = appendSessionKey(m.key[:0], m.prefix, session, n)
	return s.find(m.key)
}

// evict makes room for one: any, since with a round of more sessions than have room the oldest would be the next one needed.
func (m *sessionSeekers) evict() error {
	if len(m.open) < maxSeekers {
		return nil
	}
	for name, s := range m.open {
		delete(m.open, name)
		return s.close()
	}
	return nil
}

func (m *sessionSeekers) close() (err error) {
	for _, s := range m.open {
		err = errors.Join(err, s.close())
	}
	clear(m.open)
	return err
}
