package event

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxEncodedContent bounds the JSON form of the content: text may grow sixfold by escaping.
const maxEncodedContent = 6*MaxContent + 4096

var sensitiveType = reflect.TypeFor[Sensitive]()

// visit calls f with every sensitive field below v, named by the JSON names that lead to it.
func visit(v reflect.Value, of *shape, path string, f func(path string, s *Sensitive) error) error {
	switch {
	case !of.holds:
		return nil
	case of.t == sensitiveType:
		return f(path, v.Addr().Interface().(*Sensitive))
	case of.t.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return visit(v.Elem(), of.elem, path, f)
	case of.t.Kind() == reflect.Slice:
		for i := range v.Len() {
			if err := visit(v.Index(i), of.elem, join(path, strconv.Itoa(i)), f); err != nil {
				return err
			}
		}
	}
	for _, m := range of.members {
		if !m.holds {
			continue
		}
		if err := visit(v.FieldByIndex(m.index), m.shape, join(path, m.name), f); err != nil {
			return err
		}
	}
	return nil
}

// visitPayload is visit for all of p.
func visitPayload(p Payload, f func(path string, s *Sensitive) error) error {
	v := reflect.ValueOf(p).Elem()
	return visit(v, shapeOf(v.Type()), "", f)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// seal commits to every sensitive text of p and returns the content object, nil when there is none.
func seal(p Payload) ([]byte, error) {
	type field struct {
		path string
		*Sensitive
	}
	var room [4]field
	fields, total := room[:0], 0
	_ = visitPayload(p, func(path string, s *Sensitive) error {
		if s.seal(); s.state == sealed {
			fields, total = append(fields, field{path, s}), total+len(s.text)
		}
		return nil
	})
	if len(fields) == 0 {
		return nil, nil
	}
	if total > MaxContent {
		return nil, fmt.Errorf("sensitive texts have %d bytes, at most %d are allowed: %w", total, MaxContent, ErrTooLarge)
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.path, b.path) })
	content := make([]byte, 0, total+total/8+64*len(fields))
	for i, f := range fields {
		content = append(content, ",{"[min(i, 1)^1])
		content, _ = appendText(content, f.path)
		content = f.appendContent(append(content, ':'))
	}
	return append(content, '}'), nil
}

// appendContent appends the text with its salt, as [contentJSON]; bytes that are not UTF-8 stand in base64.
func (s *Sensitive) appendContent(dst []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, `{"salt":"`...), s.salt[:])
	before := len(dst)
	if out, ok := appendText(append(dst, `","text":`...), s.text); ok {
		return append(out, '}')
	}
	dst = append(dst[:before], `","bytes":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, []byte(s.text)), `"}`...)
}

// attach gives the sensitive fields of p their texts back. A field without content stays sealed;
// content without a field is an error.
func attach(p Payload, b []byte) error {
	var room [4]saltedText
	texts := rooms.Get().(*[usualContent]byte)
	defer rooms.Put(texts)
	content, ok := scanContent(b, room[:0], texts[:])
	if !ok {
		var err error
		if content, err = parseContent(b); err != nil {
			return err
		}
	}
	used := 0
	err := visitPayload(p, func(path string, s *Sensitive) error {
		i := slices.IndexFunc(content, func(c saltedText) bool { return string(c.path) == path })
		if i < 0 || s.state == empty {
			return nil
		}
		used++
		if err := s.attach(content[i].text); err != nil {
			return fmt.Errorf("content of %s: %w", path, err)
		}
		return nil
	})
	if err == nil && used != len(content) {
		return fmt.Errorf("content names %d fields, the payload has %d of them: %w", len(content), used, ErrContentMismatch)
	}
	return err
}

// rooms hold the texts of usual contents while they are compared with their commitments.
var rooms = sync.Pool{New: func() any { return new([usualContent]byte) }}

const usualContent = 8 << 10

// saltedText is the content of one field: the bytes that its commitment covers.
type saltedText struct {
	path []byte
	text []byte // salt and text
}

// parseContent reads content in any spelling.
func parseContent(b []byte) ([]saltedText, error) {
	var content map[string]contentJSON
	if err := json.Unmarshal(b, &content); err != nil {
		return nil, fmt.Errorf("content: %w", err)
	}
	texts := make([]saltedText, 0, len(content))
	for path, c := range content {
		if len(c.Salt) != saltSize {
			return nil, fmt.Errorf("content of %s: salt has %d bytes: %w", path, len(c.Salt), ErrContentMismatch)
		}
		texts = append(texts, saltedText{[]byte(path), append(c.Salt[:saltSize:saltSize], c.text()...)})
	}
	return texts, nil
}

func (c contentJSON) text() string {
	if c.Bytes != nil {
		return string(c.Bytes)
	}
	return c.Text
}
