package tool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MaxArguments bounds the arguments of one call, in bytes.
const MaxArguments = 1 << 20

// Arguments reads the fields of a call one by one and remembers the first thing that was wrong.
// Names are matched exactly, a field given twice is refused, unknown fields are ignored (as Codex does),
// and null counts as not given.
type Arguments struct {
	tool   string
	prefix string // of nested fields, e.g. "plan[0]."
	fields map[string]json.RawMessage
	err    *ArgumentError
}

// ParseArguments takes the JSON object of a call apart.
func ParseArguments(c Call) (*Arguments, error) {
	if err := CheckSize(c); err != nil {
		return nil, err
	}
	fields, err := object([]byte(c.Arguments))
	if err != nil {
		return nil, BadArgument(c.Name, "", "%s; expected one JSON object", err)
	}
	return &Arguments{tool: c.Name, fields: fields}, nil
}

// CheckSize refuses calls above MaxArguments.
func CheckSize(c Call) error {
	if len(c.Arguments) <= MaxArguments {
		return nil
	}
	return BadArgument(c.Name, "", "%d bytes, at most %d are allowed; split the work into several calls", len(c.Arguments), MaxArguments)
}

// Err is the first problem, or nil.
func (a *Arguments) Err() error {
	if a.err == nil {
		return nil
	}
	return a.err
}

// Fail notes a problem with a field, unless there is one already.
func (a *Arguments) Fail(field, format string, args ...any) {
	if a.err == nil {
		a.err = BadArgument(a.tool, a.prefix+field, format, args...)
	}
}

// Has reports whether the field was given.
func (a *Arguments) Has(field string) bool {
	raw, ok := a.fields[field]
	return ok && string(raw) != "null"
}

// Required is a text that must be given; what says in a few words what it is.
func (a *Arguments) Required(field, what string) string {
	if !a.Has(field) {
		a.Fail(field, "missing; expected a string: %s", what)
		return ""
	}
	return a.Text(field)
}

// Text is a string without NUL, or "".
func (a *Arguments) Text(field string) string {
	var s string
	if !a.decode(field, &s, "a string") {
		return ""
	}
	if strings.ContainsRune(s, 0) {
		a.Fail(field, "has a NUL character at byte %d; expected text without one", strings.IndexByte(s, 0))
	}
	return s
}

// Raw is a string that may hold any character, or "".
func (a *Arguments) Raw(field string) string {
	var s string
	a.decode(field, &s, "a string")
	return s
}

// Choice is one of the given words, the first when it was not given.
func (a *Arguments) Choice(field string, words ...string) string {
	if !a.Has(field) {
		return words[0]
	}
	s := a.Text(field)
	if !slices.Contains(words, s) {
		a.Fail(field, "unknown value %q; expected one of %s", clip(s, 100), strings.Join(words, ", "))
	}
	return s
}

// Bool is a boolean, or the default.
func (a *Arguments) Bool(field string, byDefault bool) bool {
	v := byDefault
	a.decode(field, &v, "true or false")
	return v
}

// Int is a whole number that is not negative, or the default.
func (a *Arguments) Int(field string, byDefault int) int {
	var n json.Number
	if !a.decode(field, &n, "a number") {
		return byDefault
	}
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil && i >= 0 && i <= math.MaxInt32 {
		return int(i)
	}
	if f, err := n.Float64(); err == nil && f == math.Trunc(f) && f >= 0 && f <= math.MaxInt32 {
		return int(f)
	}
	a.Fail(field, "is %s; expected a whole number from 0 to %d", clip(n.String(), 40), math.MaxInt32)
	return byDefault
}

// Texts is a list of strings, or nil.
func (a *Arguments) Texts(field string) []string {
	var v []string
	a.decode(field, &v, "a list of strings")
	return v
}

// Objects is a list of objects, at most limit of them; problems inside are noted in a.
func (a *Arguments) Objects(field string, limit int) []*Arguments {
	var raw []json.RawMessage
	a.decode(field, &raw, "a list of objects")
	if len(raw) > limit {
		a.Fail(field, "has %d entries, at most %d are allowed", len(raw), limit)
		return nil
	}
	out := make([]*Arguments, 0, len(raw))
	for i, r := range raw {
		name := fmt.Sprintf("%s[%d]", field, i)
		fields, err := object(r)
		if err != nil {
			a.Fail(name, "%s; expected an object", err)
			return nil
		}
		out = append(out, &Arguments{tool: a.tool, prefix: a.prefix + name + ".", fields: fields})
	}
	return out
}

// Merge notes the first problem of a nested object.
func (a *Arguments) Merge(nested *Arguments) {
	if a.err == nil {
		a.err = nested.err
	}
}

func (a *Arguments) decode(field string, v any, expected string) bool {
	if !a.Has(field) {
		return false
	}
	raw := a.fields[field]
	if _, number := v.(*json.Number); number && raw[0] == '"' { // json.Number would take a quoted one
		a.Fail(field, "expected %s, got %s", expected, kind(raw))
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		a.Fail(field, "expected %s, got %s", expected, kind(raw))
		return false
	}
	return true
}

// object splits a JSON object into its members and refuses duplicates and what follows it.
func object(b []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	open, err := dec.Token()
	if err == io.EOF {
		return nil, fmt.Errorf("they are empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%w at byte %d", err, dec.InputOffset())
	}
	if open != json.Delim('{') {
		return nil, fmt.Errorf("got %s", kind(bytes.TrimSpace(b)))
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("%w at byte %d", err, dec.InputOffset())
		}
		name := key.(string) // keys of an object are strings, or Token fails
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("value of `%s`: %w at byte %d", clip(name, 100), err, dec.InputOffset())
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("duplicate field `%s`", clip(name, 100))
		}
		fields[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("%w at byte %d", err, dec.InputOffset())
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is more after the object, at byte %d", dec.InputOffset())
	}
	return fields, nil
}

// kind names the type of a JSON value.
func kind(raw []byte) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
