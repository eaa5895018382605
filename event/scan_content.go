package event

import (
	"bytes"
	"encoding/base64"
	"math"
)

// saltDigits is the length of a salt in base64.
const saltDigits = 24

// scanContent is [scan] for content: it appends what the object that Encode writes holds, and false means that [parseContent] must look.
// The paths rise, so none is there twice, and they are parts of b. The texts are in room, when that has as many bytes as b.
func scanContent(b []byte, to []saltedText, room []byte) ([]saltedText, bool) {
	s := scanner{rest: b, ok: true}
	texts := room[:0]
	if cap(texts) < len(b) {
		texts = make([]byte, 0, len(b)) // all of them: none is longer than its spelling
	}
	s.word("{")
	for s.ok && !s.skip("}") {
		if len(to) > 0 {
			s.word(",")
		}
		c := saltedText{path: s.quoted(nil)}
		s.word(`:{"salt":`)
		c.text = s.base64(texts, saltSize)
		switch {
		case s.skip(`,"text":`):
			c.text = s.quoted(c.text)
		case s.skip(`,"bytes":`):
			c.text = s.base64(c.text, math.MaxInt)
		}
		s.word("}")
		if len(to) > 0 && bytes.Compare(to[len(to)-1].path, c.path) >= 0 {
			return nil, false
		}
		to, texts = append(to, c), c.text[len(c.text):]
	}
	return to, s.ok && len(s.rest) == 0
}

// base64 appends a string of base64 with padding, of n bytes, or of any number of bytes when n is math.MaxInt.
func (s *scanner) base64(dst []byte, n int) []byte {
	s.word(`"`)
	end := bytes.IndexByte(s.rest, '"')
	if !s.ok || end < 0 || n == saltSize && end != saltDigits {
		s.ok = false
		return dst
	}
	before := len(dst)
	out, err := base64.StdEncoding.AppendDecode(dst, s.rest[:end])
	if s.ok = err == nil && (n == math.MaxInt || len(out)-before == n) && !bytes.ContainsAny(s.rest[:end], "\\\r\n"); !s.ok {
		return dst
	}
	s.rest = s.rest[end+1:]
	return out
}
