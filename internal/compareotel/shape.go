package main

import (
	"fmt"
	"slices"
	"strings"

	"proctor/internal/otlpsink"
)

// subject is what can be the same or differ. An event and a metric may share a name.
type subject struct{ signal, name string }

// shapes are what a program sent: of each event or metric the attributes, with the types each was seen with.
type shapes map[subject]*shape

type shape struct {
	count int
	attrs map[string]string // types by name; in brackets what is not an attribute
}

func (s shapes) of(signal, name string) *shape {
	k := subject{signal, name}
	if s[k] == nil {
		s[k] = &shape{attrs: map[string]string{}}
	}
	return s[k]
}

func (s shapes) add(o shapes) {
	for k, from := range o {
		to := s.of(k.signal, k.name)
		to.count += from.count
		for k, t := range from.attrs {
			for _, one := range strings.Fields(t) {
				to.see(k, one)
			}
		}
	}
}

func (s *shape) see(name, typ string) {
	have := strings.Fields(s.attrs[name])
	if !slices.Contains(have, typ) {
		have = append(have, typ)
		slices.Sort(have)
		s.attrs[name] = strings.Join(have, " ")
	}
}

func (s *shape) all(attributes map[string]any) {
	for k, v := range attributes {
		s.see(k, typeOf(v))
	}
}

// records adds log records. Lines without event.name are the CLI's own diagnostics.
func (s shapes) records(list []otlpsink.Record) {
	for _, r := range list {
		name, _ := r.Attributes["event.name"].(string)
		if !strings.HasPrefix(name, "codex.") {
			continue
		}
		of := s.of("log", name)
		of.count++
		of.all(r.Attributes)
		of.see("(scope)", r.Scope)
		of.see("(severity)", r.SeverityText)
		res := s.of("resource", "resource of logs")
		res.count++
		res.all(r.Resource)
	}
}

func (s shapes) points(list []otlpsink.Point) {
	for _, p := range list {
		if !strings.HasPrefix(p.Name, "codex.") {
			continue
		}
		of := s.of("metric", p.Name)
		of.count++
		of.all(p.Attributes)
		of.see("(kind)", p.Kind+","+p.Temporality)
		of.see("(unit)", p.Unit)
		of.see("(bounds)", fmt.Sprint(len(p.Bounds)))
		res := s.of("resource", "resource of metrics")
		res.count++
		res.all(p.Resource)
	}
}

func (s shapes) spans(list []otlpsink.Span) {
	for _, r := range list {
		of := s.of("span", r.Name)
		of.count++
		of.all(r.Attributes)
	}
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case int64:
		return "integer"
	case bool:
		return "boolean"
	case float64:
		return "double"
	}
	return fmt.Sprintf("%T", v)
}
