package event

import (
	"encoding/hex"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// appendPayload appends the JSON of a payload as marshal writes it, without its reflection for each event. False means that marshal must;
// TestWhatIsAppendedIsWhatIsMarshalled holds that both write the same.
func appendPayload(dst []byte, p Payload) ([]byte, bool) {
	v := reflect.ValueOf(p).Elem()
	shape := shapeOf(v.Type())
	if !shape.plain {
		return dst, false
	}
	return appendValue(dst, v, shape)
}

// appendPublic appends the public part of e as marshal writes it; false as in appendPayload.
func appendPublic(dst []byte, e *Event) ([]byte, bool) {
	if e.Masked != nil {
		return dst, false
	}
	ok := true
	text := func(name, s string, must bool) {
		if ok && (must || s != "") {
			dst, ok = appendText(append(dst, name...), s)
		}
	}
	dst = strconv.AppendInt(append(dst, `{"v":`...), Version, 10)
	text(`,"id":`, string(e.ID), true)
	text(`,"kind":`, string(e.Kind), true)
	dst = strconv.AppendInt(append(dst, `,"schema":`...), int64(e.Schema), 10)
	text(`,"session":`, e.Session, true)
	if e.Seq != 0 {
		dst = strconv.AppendUint(append(dst, `,"seq":`...), e.Seq, 10)
	}
	text(`,"turn":`, e.Turn, false)
	text(`,"call":`, e.Call, false)
	dst = append(e.Time.UTC().AppendFormat(append(dst, `,"time":"`...), timeLayout), '"')
	text(`,"cause":`, string(e.Cause), false)
	text(`,"actor":`, string(e.Actor), true)
	text(`,"trace":`, e.Trace, false)
	text(`,"span":`, e.Span, false)
	if !ok {
		return dst, false
	}
	dst, ok = appendPayload(append(dst, `,"payload":`...), e.Payload)
	return append(dst, '}'), ok
}

func appendValue(dst []byte, v reflect.Value, shape *shape) (_ []byte, ok bool) {
	switch shape.t {
	case sensitiveType:
		return v.Addr().Interface().(*Sensitive).appendSealed(dst), true
	case hashType:
		dst = hex.AppendEncode(append(dst, '"'), v.Addr().Interface().(*Hash)[:])
		return append(dst, '"'), true
	}
	switch shape.t.Kind() {
	case reflect.String:
		return appendText(dst, v.String())
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), true
	case reflect.Int, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), true
	case reflect.Uint64:
		return strconv.AppendUint(dst, v.Uint(), 10), true
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...), true
		}
		return appendValue(dst, v.Elem(), shape.elem)
	case reflect.Slice:
		if v.IsNil() {
			return append(dst, "null"...), true
		}
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, ok = appendValue(dst, v.Index(i), shape.elem); !ok {
				return dst, false
			}
		}
		return append(dst, ']'), true
	case reflect.Struct:
		return appendMembers(dst, v, shape)
	}
	return dst, false // maps, in few events
}

func appendMembers(dst []byte, v reflect.Value, shape *shape) ([]byte, bool) {
	dst = append(dst, '{')
	first := true
	for _, m := range shape.members {
		f := v.FieldByIndex(m.index)
		if m.omitted(f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), m.name...), `":`...)
		var ok bool
		if dst, ok = appendValue(dst, f, m.shape); !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}

// omitted follows the options of the member's tag.
func (m member) omitted(v reflect.Value) bool {
	switch {
	case m.omitZero && m.t == sensitiveType:
		return v.Addr().Interface().(*Sensitive).IsZero()
	case m.omitEmpty && (m.t.Kind() == reflect.Slice || m.t.Kind() == reflect.Map):
		return v.Len() == 0
	case m.omitEmpty && m.t.Kind() == reflect.Struct:
		return false
	}
	return (m.omitZero || m.omitEmpty) && v.IsZero()
}

const hexDigits = "0123456789abcdef"

// appendText appends a quoted string as marshal writes it; false when it is not UTF-8.
func appendText(dst []byte, s string) ([]byte, bool) {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		n := 0
		for n < len(s)-i && needsNoEscape[s[i+n]] {
			n++
		}
		dst = append(dst, s[i:i+n]...)
		if i += n; i == len(s) {
			break
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				return dst, false
			case r == '\u2028', r == '\u2029':
				dst = append(append(dst, `\u202`...), hexDigits[r&15])
			default:
				dst = append(dst, s[i:i+size]...)
			}
			i += size
			continue
		}
		if letter := escapeLetter[c]; letter != 0 {
			dst = append(dst, '\\', letter)
		} else {
			dst = append(append(dst, `\u00`...), hexDigits[c>>4], hexDigits[c&15])
		}
		i++
	}
	return append(dst, '"'), true
}

// escapeLetter is what follows the backslash in the short escapes that marshal writes.
var escapeLetter = [256]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// needsNoEscape is true for what stands for itself in a string.
var needsNoEscape = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()
