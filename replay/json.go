package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"proctor/event"
)

// timeLayout is RFC 3339 with microseconds, as in the ledger.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// JSON is an entry as one line without its end; the package comment has the format. With redact no sensitive
// text is revealed.
func JSON(e event.Entry, redact bool) ([]byte, error) {
	o := object{}
	o.open()
	o.put("seq", e.Seq)
	o.put("session_seq", e.SessionSeq)
	o.put("id", e.ID)
	o.put("kind", e.Kind)
	o.put("session", e.Session)
	if e.Event != nil {
		o.optional("turn", e.Event.Turn)
		o.optional("call", e.Event.Call)
		o.put("time", stamp(e.Event.Time))
	}
	o.put("received", stamp(e.Received))
	if e.Event != nil {
		o.put("actor", e.Event.Actor)
		o.optional("cause", string(e.Event.Cause))
		if e.Event.Masked != nil {
			o.put("masked", e.Event.Masked)
		}
	}
	o.put("leaf", e.Leaf)
	switch {
	case e.Event == nil && json.Valid(e.Raw):
		o.put("raw", e.Raw)
	case e.Event != nil:
		o.name("payload")
		o.payload(e.Event.Payload, redact)
	}
	o.b.WriteByte('}')
	if o.err != nil {
		return nil, fmt.Errorf("write entry %d (%s) as JSON: %w", e.Seq, e.Kind, o.err)
	}
	return ascii(o.b.Bytes()), nil
}

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

// object writes the members of JSON objects in the order of the calls.
type object struct {
	b     bytes.Buffer
	first bool // no member yet in the innermost object
	err   error
}

func (o *object) open() {
	o.b.WriteByte('{')
	o.first = true
}

func (o *object) name(name string) {
	if !o.first {
		o.b.WriteByte(',')
	}
	o.first = false
	o.b.WriteString(strconv.Quote(name)) // names are ASCII
	o.b.WriteByte(':')
}

func (o *object) put(name string, v any) {
	o.name(name)
	o.value(v)
}

func (o *object) optional(name, text string) {
	if text != "" {
		o.put(name, text)
	}
}

func (o *object) value(v any) {
	enc := json.NewEncoder(&o.b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		if o.err == nil {
			o.err = err
		}
		return
	}
	o.b.Truncate(o.b.Len() - 1) // the encoder's line end
}

// payload writes the fields under their catalog names, sensitive ones in clear when that is allowed.
func (o *object) payload(p event.Payload, redact bool) {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		o.value(nil)
		return
	}
	o.open()
	for _, f := range event.Fields(p) {
		field := v.Elem().FieldByIndex(f.Index)
		if f.Optional && absent(field) {
			continue
		}
		o.name(f.Name)
		if s, ok := field.Interface().(event.Sensitive); ok {
			o.sensitive(s, redact)
			continue
		}
		o.value(field.Interface())
	}
	o.b.WriteByte('}')
}

func (o *object) sensitive(s event.Sensitive, redact bool) {
	text, ok := s.Reveal()
	switch {
	case redact || !ok:
		o.value(s)
	case !utf8.ValidString(text):
		o.value(map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(text))})
	default:
		o.value(text)
	}
}

// absent follows omitempty and omitzero.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct, reflect.Array:
		z, ok := v.Interface().(interface{ IsZero() bool })
		return ok && z.IsZero()
	}
	return v.IsZero()
}

// ascii writes the characters that [Escape] would replace as \u escapes: within valid JSON, what is
// not ASCII, and DEL, stands in strings only.
func ascii(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == 0x7f || r >= 0x80 && hidden(r) {
			if out == nil {
				out = append(make([]byte, 0, len(b)+32), b[:i]...)
			}
			out = appendEscape(out, r)
		} else if out != nil {
			out = append(out, b[i:i+size]...)
		}
		i += size
	}
	if out == nil {
		return b
	}
	return out
}

func appendEscape(out []byte, r rune) []byte {
	if r < 0x10000 {
		return fmt.Appendf(out, `\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}
