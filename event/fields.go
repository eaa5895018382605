package event

import (
	"reflect"
	"strings"
	"sync"
)

// Field describes one field of a payload.
type Field struct {
	Name      string // JSON name, also the attribute name in telemetry
	Type      string // JSON type: string, integer, boolean, array, object
	Text      bool   // Codex exports the value as text
	Codex     bool   // part of Codex-compatible export
	Sensitive bool
	Optional  bool // left out when not known
	Index     []int
}

// fieldsOf are those that were asked for, by type: reflection over tags costs more than all else that is done with them.
var fieldsOf sync.Map

// Fields lists the fields of a payload type in order, those of embedded structs in place. The caller must not change the list.
func Fields(p Payload) []Field {
	t := reflect.TypeOf(p).Elem()
	if known, ok := fieldsOf.Load(t); ok {
		return known.([]Field) //nolint:forcetypeassert // nothing else is stored
	}
	list := fields(t, nil)
	fieldsOf.Store(t, list)
	return list
}

func fields(t reflect.Type, at []int) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, at...), i)
		if f.Anonymous {
			out = append(out, fields(f.Type, index)...)
			continue
		}
		_, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		otel := f.Tag.Get("otel")
		out = append(out, Field{
			Name: jsonName(f), Type: jsonType(f.Type), Text: otel == "s", Codex: otel != "-",
			Sensitive: f.Type == sensitiveType, Optional: opts != "", Index: index,
		})
	}
	return out
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func jsonType(t reflect.Type) string {
	if t == sensitiveType {
		return "string"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return jsonType(t.Elem())
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Slice:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "string" // Hash marshals as text
}
