package redact

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strings"

	"proctor/event"
)

// Value is one field as it may leave. Any is a string, int64, bool or []string.
// Objects are flattened: their members are values with dotted names.
type Value struct {
	event.Field
	Any any
}

// View is an event as it may leave. Absent fields are not listed.
type View struct {
	Values   []Value
	Receipts []Receipt
}

// View applies the policy to an event. An event without payload has an empty view.
func (p *Policy) View(e *event.Event) View {
	if e == nil || e.Payload == nil {
		return View{}
	}
	plan := p.plans[e.Kind]
	v := View{Values: make([]Value, 0, len(plan))}
	var cut map[string]bool
	payload := reflect.ValueOf(e.Payload).Elem()
	for _, f := range plan {
		field := payload.FieldByIndex(f.Index)
		if f.Sensitive {
			if v.sensitive(p, e.Kind, f, field) {
				if cut == nil {
					cut = map[string]bool{}
				}
				cut[cutFlags[f.Name]] = true
			}
			continue
		}
		if f.Optional && field.IsZero() {
			continue
		}
		v.add(p, e.Kind, f, field)
	}
	for i, x := range v.Values {
		if cut[x.Name] {
			v.Values[i].Any = true
		}
	}
	v.Receipts = bounded(v.Receipts)
	return v
}

// sensitive appends what leaves of a sensitive text, and reports whether that was cut.
func (v *View) sensitive(p *Policy, kind event.Kind, f event.Field, field reflect.Value) (cut bool) {
	r := p.release(kind, f.Name, *field.Addr().Interface().(*event.Sensitive))
	v.Receipts = append(v.Receipts, r.receipts...)
	if r.leaves {
		v.put(f, r.text)
	}
	return r.cut
}

var sensitiveType = reflect.TypeFor[event.Sensitive]()

// add appends a public field, flattened, its texts masked.
func (v *View) add(p *Policy, kind event.Kind, f event.Field, field reflect.Value) {
	if field.Type() == sensitiveType { // of a struct: no class, so only its length leaves
		v.sensitive(p, kind, f, field)
		return
	}
	if field.NumMethod() > 0 { // most have none, and asking costs more
		if m, ok := field.Interface().(encoding.TextMarshaler); ok {
			if b, err := m.MarshalText(); err == nil && !field.IsZero() {
				v.put(f, string(b))
			}
			return
		}
	}
	switch field.Kind() {
	case reflect.Pointer:
		if !field.IsNil() {
			v.add(p, kind, f, field.Elem())
		}
	case reflect.Bool:
		v.put(f, field.Bool())
	case reflect.Int, reflect.Int64:
		v.put(f, field.Int())
	case reflect.Uint64:
		v.put(f, int64(field.Uint())) //nolint:gosec // counts and numbers of entries, far below 2^63
	case reflect.String:
		v.put(f, v.public(p, kind, f.Name, field.String()))
	case reflect.Slice:
		v.list(p, kind, f, field)
	case reflect.Struct:
		v.members(p, kind, f, field)
	case reflect.Map:
		v.entries(p, kind, f, field)
	}
}

func (v *View) put(f event.Field, x any) { v.Values = append(v.Values, Value{f, x}) }

// list handles lists of texts; the catalog has no others.
func (v *View) list(p *Policy, kind event.Kind, f event.Field, field reflect.Value) {
	texts, ok := field.Interface().([]string)
	if !ok {
		return
	}
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = v.public(p, kind, f.Name, s)
	}
	v.put(f, out)
}

func (v *View) members(p *Policy, kind event.Kind, f event.Field, field reflect.Value) {
	t := field.Type()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		v.add(p, kind, member(f, name), field.Field(i))
	}
}

func (v *View) entries(p *Policy, kind event.Kind, f event.Field, field reflect.Value) {
	values := map[string]reflect.Value{}
	for it := field.MapRange(); it.Next(); {
		values[it.Key().String()] = it.Value()
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		v.add(p, kind, member(f, k), values[k])
	}
}

func member(f event.Field, name string) event.Field {
	f.Name += "." + name
	f.Text = false
	return f
}

// public masks a text that is not sensitive by type but may quote something that is.
func (v *View) public(p *Policy, kind event.Kind, field, text string) string {
	if verbatim[kind][field] {
		return text
	}
	out, receipts := p.mask(field, text)
	v.Receipts = append(v.Receipts, receipts...)
	return strings.ToValidUTF8(out, "\uFFFD")
}
