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
	s := newScanner(public)
	s.word(`{"v":`)
	p.V = int(s.number()) //nolint:gosec // number takes at most 18 digits
	s.label(`,"id":"`, (*string)(&p.ID), true)
	s.label(`,"kind":"`, (*string)(&p.Kind), true)
	s.word(`,"schema":`)
	p.Schema = int(s.number()) //nolint:gosec // as above
	s.label(`,"session":"`, &p.Session, true)
	if s.skip(`,"seq":`) {
		p.Seq = s.number()
	}
	s.label(`,"turn":"`, &p.Turn, false)
	s.label(`,"call":"`, &p.Call, false)
	s.label(`,"time":"`, &p.Time, true)
	s.label(`,"cause":"`, (*string)(&p.Cause), false)
	s.label(`,"actor":"`, (*string)(&p.Actor), true)
	s.label(`,"trace":"`, &p.Trace, false)
	s.label(`,"span":"`, &p.Span, false)
	s.word(`,"payload":{`) // "masked" stands before it in few events
	if !s.ok || !bytes.HasSuffix(s.rest, []byte("}}")) {
		return publicJSON{}, false
	}
	p.Payload, p.text = json.RawMessage(public[len(public)-len(s.rest)-1:len(public)-1]), s.text
	return p, true
}

// scanner goes through a text once. After the first thing that is not as expected ok is false.
type scanner struct {
	rest []byte
	ok   bool
	// text ends as rest does. What is taken from it costs no copy of its own, and keeps all of it in memory.
	text string
}

func newScanner(b []byte) scanner { return scanner{rest: b, ok: true, text: string(b)} }

// take passes n bytes and what stands behind them, a quote.
func (s *scanner) take(n int) string {
	from := len(s.text) - len(s.rest)
	s.rest = s.rest[n+1:]
	return s.text[from : from+n]
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

// label reads what stands between word and the next quote: ASCII without escapes.
func (s *scanner) label(word string, to *string, must bool) {
	if !s.skip(word) {
		s.ok = s.ok && !must
		return
	}
	if n, ascii := plainText(s.rest); ascii && n < len(s.rest) && s.rest[n] == '"' {
		*to = s.take(n)
		return
	}
	s.ok = false
}
