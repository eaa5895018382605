package event

import (
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// scanPayload is [scan] for payloads: it reads into p, which is empty, what Encode writes, and no other spelling of it. False means that the
// general decoder must look, at an empty payload: p is not to be used. What both accept they read alike; FuzzScanPayload holds that.
func scanPayload(raw []byte, p Payload) bool {
	return publicJSON{Payload: raw, text: string(raw) + "}"}.scanPayload(p)
}

// scanPayload is that for a public part of which all is there as a string.
func (j publicJSON) scanPayload(p Payload) bool {
	v := reflect.ValueOf(p).Elem()
	shape := shapeOf(v.Type())
	if !shape.plain || j.text == "" {
		return false
	}
	s := scanner{rest: j.Payload, ok: true, text: j.text[:len(j.text)-1]}
	s.value(v, shape)
	return s.ok && len(s.rest) == 0
}

// value reads one value into v, which has its zero value.
func (s *scanner) value(v reflect.Value, shape *shape) {
	if s.skip("null") {
		return
	}
	switch shape.t {
	case sensitiveType:
		s.sensitive(v.Addr().Interface().(*Sensitive))
		return
	case hashType:
		s.word(`"`)
		s.hash(v.Addr().Interface().(*Hash)[:])
		s.word(`"`)
		return
	}
	switch shape.t.Kind() {
	case reflect.String:
		v.SetString(s.string())
	case reflect.Bool:
		if v.SetBool(s.skip("true")); !v.Bool() {
			s.word("false")
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(s.integer())
	case reflect.Uint64:
		v.SetUint(s.number())
	case reflect.Pointer:
		v.Set(reflect.New(shape.elem.t))
		s.value(v.Elem(), shape.elem)
	case reflect.Slice:
		s.slice(v, shape)
	case reflect.Map:
		s.mapping(v, shape)
	case reflect.Struct:
		s.members(v, shape)
	default:
		s.ok = false
	}
}

// members reads an object whose members stand in the order of the fields, each at most once.
func (s *scanner) members(v reflect.Value, shape *shape) {
	s.word("{")
	for i, first := 0, true; s.ok && !s.skip("}"); first = false {
		if !first {
			s.word(",")
		}
		s.word(`"`)
		for i < len(shape.members) && !s.named(shape.members[i].name) {
			i++
		}
		if i == len(shape.members) {
			s.ok = false
			return
		}
		m := shape.members[i]
		s.value(v.FieldByIndex(m.index), m.shape)
		i++
	}
}

// named passes a member's name, after its first quote, and the colon.
func (s *scanner) named(name string) bool {
	n := len(name)
	if !s.ok || len(s.rest) < n+2 || string(s.rest[:n]) != name || s.rest[n] != '"' || s.rest[n+1] != ':' {
		return false
	}
	s.rest = s.rest[n+2:]
	return true
}

func (s *scanner) slice(v reflect.Value, shape *shape) {
	s.word("[")
	v.Set(reflect.MakeSlice(shape.t, 0, 0))
	for i := 0; s.ok && !s.skip("]"); i++ {
		if i > 0 {
			s.word(",")
		}
		v.Grow(1)
		v.SetLen(i + 1)
		v.Index(i).SetZero()
		s.value(v.Index(i), shape.elem)
	}
}

func (s *scanner) mapping(v reflect.Value, shape *shape) {
	s.word("{")
	v.Set(reflect.MakeMap(shape.t))
	for first := true; s.ok && !s.skip("}"); first = false {
		if !first {
			s.word(",")
		}
		key := reflect.New(shape.t.Key()).Elem()
		key.SetString(s.string())
		s.word(":")
		elem := reflect.New(shape.elem.t).Elem()
		s.value(elem, shape.elem)
		v.SetMapIndex(key, elem)
	}
}

func (s *scanner) sensitive(to *Sensitive) {
	s.word(`{"sealed":"`)
	s.hash(to.commit[:])
	s.word(`","bytes":`)
	n := s.integer()
	s.word("}")
	if s.ok = s.ok && n > 0; s.ok {
		to.size, to.state = int(n), without
	}
}

// hash reads as many hex digits as fill to.
func (s *scanner) hash(to []byte) {
	if n := 2 * len(to); !s.ok || len(s.rest) < n {
		s.ok = false
	} else if _, err := hex.Decode(to, s.rest[:n]); err != nil {
		s.ok = false
	} else {
		s.rest = s.rest[n:]
	}
}

func (s *scanner) integer() int64 {
	if s.skip("-") {
		return -int64(s.number()) //nolint:gosec // number takes at most 18 digits
	}
	return int64(s.number()) //nolint:gosec // likewise
}

// string reads one, in place when it has no escapes.
func (s *scanner) string() string {
	if !s.ok || len(s.rest) == 0 || s.rest[0] != '"' {
		s.ok = false
		return ""
	}
	if n, ascii := plainText(s.rest[1:]); ascii && 1+n < len(s.rest) && s.rest[1+n] == '"' {
		s.rest = s.rest[1:]
		return s.take(n)
	}
	return string(s.quoted(nil))
}

// quoted appends a string to dst, without its quotes and escapes; when dst is nil and there are no escapes, it copies nothing.
func (s *scanner) quoted(dst []byte) []byte {
	s.word(`"`)
	if !s.ok {
		return dst
	}
	n, ascii := plainText(s.rest)
	if n < len(s.rest) && s.rest[n] == '"' && dst == nil {
		text := s.rest[:n]
		s.rest = s.rest[n+1:]
		s.ok = ascii || utf8.Valid(text)
		return text
	}
	from := len(dst)
	for {
		dst = append(dst, s.rest[:n]...)
		s.rest = s.rest[n:]
		if len(s.rest) == 0 || s.rest[0] != '"' && s.rest[0] != '\\' {
			s.ok = false
			return dst
		}
		if s.rest[0] == '"' {
			s.rest = s.rest[1:]
			s.ok = ascii || utf8.Valid(dst[from:])
			return dst
		}
		if dst = s.escape(dst); !s.ok {
			return dst
		}
		more := false
		n, more = plainText(s.rest)
		ascii = ascii && more
	}
}

// plainText is how many bytes stand before the next quote, escape or control character, and whether all are ASCII.
func plainText(b []byte) (n int, ascii bool) {
	ascii = true
	for ; len(b)-n >= 8; n += 8 { // eight bytes at a time while none of them ends it
		w := binary.LittleEndian.Uint64(b[n:])
		quotes, escapes := w^each*'"', w^each*'\\'
		if ((quotes-each)&^quotes|(escapes-each)&^escapes|(w-each*' ')&^w)&(each<<7) != 0 {
			break
		}
		ascii = ascii && w&(each<<7) == 0
	}
	for ; n < len(b); n++ {
		switch c := b[n]; {
		case c == '"', c == '\\', c < ' ':
			return n, ascii
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return n, ascii
}

// each has a one in each byte.
const each = 0x0101010101010101

// escaped are the characters that a backslash and one letter stand for.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape appends what an escape stands for. Halves of surrogate pairs are left to the general decoder.
func (s *scanner) escape(dst []byte) []byte {
	if len(s.rest) < 2 {
		s.ok = false
		return dst
	}
	if c := escaped[s.rest[1]]; c != 0 {
		s.rest = s.rest[2:]
		return append(dst, c)
	}
	if s.rest[1] != 'u' || len(s.rest) < 6 {
		s.ok = false
		return dst
	}
	r, err := strconv.ParseUint(string(s.rest[2:6]), 16, 16)
	if s.ok = err == nil && (r < 0xD800 || r > 0xDFFF); !s.ok {
		return dst
	}
	s.rest = s.rest[6:]
	return utf8.AppendRune(dst, rune(r))
}
