package codex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// errShape means that a line is not what its type promises.
var errShape = errors.New("unexpected shape")

// object is a JSON object with exact keys. Of duplicate keys the last counts; first keeps the first value of "id".
type object struct {
	fields map[string]json.RawMessage
	first  json.RawMessage
}

// maxFields bounds the members of one object.
const maxFields = 1000

func parseObject(b []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return object{}, fmt.Errorf("%w: not a JSON object", errShape)
	}
	o := object{fields: map[string]json.RawMessage{}}
	for n := 0; d.More(); n++ {
		t, err := d.Token()
		key, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || n >= maxFields || d.Decode(&value) != nil {
			return object{}, fmt.Errorf("%w: malformed JSON", errShape)
		}
		if key == "id" && o.first == nil {
			o.first = value
		}
		o.fields[key] = value
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') || len(bytes.TrimSpace(b[d.InputOffset():])) > 0 {
		return object{}, fmt.Errorf("%w: malformed JSON", errShape)
	}
	return o, nil
}

// get decodes a member; a missing or null one leaves v alone. The first error stays in *err.
func (o object) get(name string, v any, err *error) {
	raw, ok := o.fields[name]
	if !ok || *err != nil {
		return
	}
	if json.Unmarshal(raw, v) != nil {
		*err = fmt.Errorf("%w: member %q", errShape, name)
	}
}

func (o object) text(name string, err *error) string {
	var s string
	o.get(name, &s, err)
	return s
}

// inner parses a member that is an object; an absent or null one is empty.
func (o object) inner(name string, err *error) object {
	raw, ok := o.fields[name]
	if !ok || string(raw) == "null" || *err != nil {
		return object{}
	}
	in, bad := parseObject(raw)
	if bad != nil {
		*err = bad
	}
	return in
}

// id is what names an item: its first "id", when that is a string.
func (o object) id() string {
	var s string
	if json.Unmarshal(o.first, &s) != nil {
		return ""
	}
	return s
}
