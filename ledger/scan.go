package ledger

import (
	"math"
	"strconv"

	"proctor/event"
)

// scanHead reads the members that the ledger needs from a public part in the form that
// event.Encode writes, without decoding the rest. It is false for every other form, also for
// legal JSON; event.ParseHead then decides. What both accept they read alike, since nothing can
// follow the payload.
func scanHead(public []byte) (entryHead, bool) {
	var h entryHead
	s := scanner{public, true}
	s.skip(`{"v":1,"id":"`)
	h.ID = event.ID(s.text(36))
	s.skip(`,"kind":"`)
	kind := s.text(64)
	s.skip(`,"schema":`)
	h.Schema = int(min(s.number(), math.MaxInt32)) // more is in no catalog
	s.skip(`,"session":"`)
	h.Session = s.text(event.MaxSession)
	if s.has(`,"seq":`) {
		h.Seq = s.number()
	}
	if s.has(`,"turn":"`) {
		s.text(256)
	}
	if s.has(`,"call":"`) {
		h.Call = s.text(256)
	}
	s.skip(`,"time":"`)
	s.text(len(timeLayout))
	if s.has(`,"cause":"`) {
		s.text(36)
	}
	s.skip(`,"actor":"`)
	s.text(16)
	if s.has(`,"trace":"`) {
		s.text(64)
	}
	if s.has(`,"span":"`) {
		s.text(64)
	}
	s.skip(`,"payload":{`)
	if !s.ok || !closesAtEnd(s.rest) {
		return h, false
	}
	h.Kind = event.Kind(kind)
	c, ok := event.Lookup(h.Kind)
	h.Kind = c.Kind // the constant, not a copy
	return h, ok && h.Schema == c.Schema && h.ID.Valid() && event.CheckSession(h.Session) == nil
}

// closesAtEnd reports whether the object that was just opened, and the one around it, close with
// the last two bytes and not before.
func closesAtEnd(b []byte) bool {
	depth, quoted := 1, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i == len(b)-2 && b[i+1] == '}'
			}
		case c == '\n', c == '\r':
			return false
		}
	}
	return false
}

type scanner struct {
	rest []byte
	ok   bool
}

func (s *scanner) skip(prefix string) { s.ok = s.has(prefix) && s.ok }

func (s *scanner) has(prefix string) bool {
	if len(s.rest) < len(prefix) || string(s.rest[:len(prefix)]) != prefix {
		return false
	}
	s.rest = s.rest[len(prefix):]
	return true
}

// text reads up to the closing quote: at most limit plain ASCII characters without escapes.
func (s *scanner) text(limit int) string {
	for i, c := range s.rest {
		switch {
		case c == '"' && i > 0:
			t := string(s.rest[:i])
			s.rest = s.rest[i+1:]
			return t
		case i == limit, c < ' ', c == '\\', c == '"', c > '~':
			s.ok = false
			return ""
		}
	}
	s.ok = false
	return ""
}

func (s *scanner) number() uint64 {
	i := 0
	for i < len(s.rest) && s.rest[i] >= '0' && s.rest[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(string(s.rest[:i]), 10, 64)
	if err != nil || s.rest[0] == '0' {
		s.ok = false
	}
	s.rest = s.rest[i:]
	return n
}
