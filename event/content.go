package event

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// maxEncodedContent bounds the JSON form of the content: text may grow sixfold by escaping.
const maxEncodedContent = 6*MaxContent + 4096

var sensitiveType = reflect.TypeFor[Sensitive]()

// visit calls f with every sensitive field below v, named by the JSON names that lead to it.
func visit(v reflect.Value, path string, f func(path string, s *Sensitive) error) error {
	switch {
	case v.Type() == sensitiveType:
		return f(path, v.Addr().Interface().(*Sensitive))
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return visit(v.Elem(), path, f)
	case v.Kind() == reflect.Struct:
		t := v.Type()
		for i := range t.NumField() {
			if !t.Field(i).IsExported() || !mayHold(t.Field(i).Type) {
				continue
			}
			name := path
			if !t.Field(i).Anonymous {
				name = join(path, jsonName(t.Field(i)))
			}
			if err := visit(v.Field(i), name, f); err != nil {
				return err
			}
		}
	case v.Kind() == reflect.Slice && mayHold(v.Type().Elem()):
		for i := range v.Len() {
			if err := visit(v.Index(i), join(path, strconv.Itoa(i)), f); err != nil {
				return err
			}
		}
	}
	return nil
}

func mayHold(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Slice:
		return true
	}
	return false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// seal commits to every sensitive text of p and returns the content object, nil when there is none.
func seal(p Payload) ([]byte, error) {
	var content map[string]contentJSON
	total := 0
	err := visit(reflect.ValueOf(p), "", func(path string, s *Sensitive) error {
		s.seal()
		if s.state != sealed {
			return nil
		}
		if content == nil {
			content = map[string]contentJSON{}
		}
		total += len(s.text)
		content[path] = newContent(s)
		return nil
	})
	if err != nil || content == nil {
		return nil, err
	}
	if total > MaxContent {
		return nil, fmt.Errorf("sensitive texts have %d bytes, at most %d are allowed: %w", total, MaxContent, ErrTooLarge)
	}
	return marshal(content)
}

// attach gives the sensitive fields of p their texts back. A field without content stays sealed;
// content without a field is an error.
func attach(p Payload, b []byte) error {
	var content map[string]contentJSON
	if err := json.Unmarshal(b, &content); err != nil {
		return fmt.Errorf("content: %w", err)
	}
	used := 0
	err := visit(reflect.ValueOf(p), "", func(path string, s *Sensitive) error {
		c, ok := content[path]
		if !ok || s.state == empty {
			return nil
		}
		if len(c.Salt) != len(s.salt) {
			return fmt.Errorf("content of %s: salt has %d bytes: %w", path, len(c.Salt), ErrContentMismatch)
		}
		used++
		if err := s.attach([16]byte(c.Salt), c.text()); err != nil {
			return fmt.Errorf("content of %s: %w", path, err)
		}
		return nil
	})
	if err == nil && used != len(content) {
		return fmt.Errorf("content names %d fields, the payload has %d of them: %w", len(content), used, ErrContentMismatch)
	}
	return err
}

func newContent(s *Sensitive) contentJSON {
	if utf8.ValidString(s.text) {
		return contentJSON{Salt: s.salt[:], Text: s.text}
	}
	return contentJSON{Salt: s.salt[:], Bytes: []byte(s.text)}
}

func (c contentJSON) text() string {
	if c.Bytes != nil {
		return string(c.Bytes)
	}
	return c.Text
}
