package event

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// shape is what decoding and sealing ask of a type of payload, found once: to ask package reflect for each event costs more than
// all the rest.
type shape struct {
	t       reflect.Type
	members []member // of a struct, those of embedded structs in place, as encoding/json writes them
	elem    *shape   // of a pointer, a slice, the values of a map
	// plain: scanValue knows every type at and below it.
	plain bool
	// holds: a Sensitive is at or below it, where seal and attach look.
	holds bool
}

type member struct {
	name  string
	index []int
	*shape
	omitEmpty, omitZero bool
}

var shapes sync.Map // reflect.Type -> *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, newShape(t))
	return s.(*shape)
}

var (
	hashType        = reflect.TypeFor[Hash]()
	ownJSON         = reflect.TypeFor[json.Unmarshaler]()
	ownText         = reflect.TypeFor[encoding.TextUnmarshaler]()
	plainWithMethod = map[reflect.Type]bool{sensitiveType: true, hashType: true}
)

// newShape looks at a type. No payload contains itself.
func newShape(t reflect.Type) *shape {
	s := &shape{t: t, holds: t == sensitiveType, plain: true}
	if plainWithMethod[t] {
		return s
	}
	if p := reflect.PointerTo(t); p.Implements(ownJSON) || p.Implements(ownText) {
		s.plain = false
		return s
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64:
	case reflect.Pointer, reflect.Slice:
		s.elem = shapeOf(t.Elem())
		s.plain, s.holds = s.elem.plain && t.Elem().Kind() != reflect.Uint8, s.elem.holds
	case reflect.Map:
		s.elem = shapeOf(t.Elem())
		s.plain = s.elem.plain && t.Key().Kind() == reflect.String
	case reflect.Struct:
		s.addMembers(t, nil)
		for _, m := range s.members {
			s.plain, s.holds = s.plain && m.plain, s.holds || m.holds
		}
	default:
		s.plain = false
	}
	return s
}

func (s *shape) addMembers(t reflect.Type, at []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, at...), i)
		switch {
		case f.Anonymous:
			s.addMembers(f.Type, index)
		case f.IsExported():
			_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			s.members = append(s.members, member{jsonName(f), index, shapeOf(f.Type), options == "omitempty", options == "omitzero"})
		}
	}
}
