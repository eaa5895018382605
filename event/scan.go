package event

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// scan reads a public part that is spelled as Encode spells it: members in their order, no spaces, no escapes outside of the payload.
// Every reader of the ledger decodes each envelope, and this is several times quicker than encoding/json. False means that the general
// decoder must look; it has the last word on what is accepted. The payload is not looked into.
func scan(public []byte) (p publicJSON, ok bool) {
	s := scanner{rest: public, ok: true}
	s.word(`{"v":`)
	p.V = int(s.number()) //nolint:gosec // number takes at most 18 digits
	s.text(`,"id":"`, (*string)(&p.ID), true)
	s.text(`,"kind":"`, (*string)(&p.Kind), true)
	s.word(`,"schema":`)
	p.Schema = int(s.number()) //nolint:gosec // as above
	s.text(`,"session":"`, &p.Session, true)
	if s.skip(`,"seq":`) {
		p.Seq = s.number()
	}
	s.text(`,"turn":"`, &p.Turn, false)
	s.text(`,"call":"`, &p.Call, false)
	s.text(`,"time":"`, &p.Time, true)
	s.text(`,"cause":"`, (*string)(&p.Cause), false)
	s.text(`,"actor":"`, (*string)(&p.Actor), true)
	s.text(`,"trace":"`, &p.Trace, false)
	s.text(`,"span":"`, &p.Span, false)
	s.word(`,"payload":{`) // "masked" stands before it in few events
	if !s.ok || !bytes.HasSuffix(s.rest, []byte("}}")) {
		return publicJSON{}, false
	}
	p.Payload = json.RawMessage(public[len(public)-len(s.rest)-1 : len(public)-1])
	return p, true
}

// scanner goes through a text once. After the first thing that is not as expected ok is false.
type scanner struct {
	rest []byte
	ok   bool
}

func (s *scanner) skip(word string) bool {
	if !s.ok || len(s.rest) < len(word) || string(s.rest[:len(word)]) != word {
		return false
	}
	s.rest = s.rest[len(word):]
	return true
}

func (s *scanner) word(word string) { s.ok = s.skip(word) }

// maxDigits keeps numbers within 63 bits.
const maxDigits = 18

func (s *scanner) number() uint64 {
	n := 0
	for n < len(s.rest) && n <= maxDigits && '0' <= s.rest[n] && s.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(string(s.rest[:n]), 10, 64)
	if !s.ok || err != nil || n > maxDigits || n > 1 && s.rest[0] == '0' {
		s.ok = false
		return 0
	}
	s.rest = s.rest[n:]
	return v
}

// text reads what stands between word and the next quote: printable ASCII without escapes.
func (s *scanner) text(word string, to *string, must bool) {
	if !s.skip(word) {
		s.ok = s.ok && !must
		return
	}
	for i, c := range s.rest {
		if c == '"' {
			*to, s.rest = string(s.rest[:i]), s.rest[i+1:]
			return
		}
		if c < ' ' || c > '~' || c == '\\' {
			break
		}
	}
	s.ok = false
}
