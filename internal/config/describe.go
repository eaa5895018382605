package config

import "slices"

// KeyInfo is what the schemas know about a dotted key.
type KeyInfo struct {
	Known       bool   `json:"known"`
	Requirement bool   `json:"requirement,omitempty"` // a key of requirements.toml only
	Expected    string `json:"expected,omitempty"`    // what a value must be
	Inert       bool   `json:"inert,omitempty"`       // accepted for files shared with Codex, changes nothing here
	Nearest     string `json:"nearest,omitempty"`     // of an unknown key, may be empty
}

// Describe looks a key up: in config.toml, then in requirements.toml.
func Describe(key string) KeyInfo {
	segs, err := splitKey(key)
	if err != nil {
		return KeyInfo{}
	}
	settings, constraints := configSchema(), requirementsSchema()
	if s, _ := settings.lookup(segs); s != nil {
		return KeyInfo{Known: true, Expected: s.String(), Inert: s.inert}
	}
	if s, _ := constraints.lookup(segs); s != nil {
		return KeyInfo{Known: true, Requirement: true, Expected: s.String(), Inert: s.inert}
	}
	return KeyInfo{Nearest: nearestKey(segs, settings, constraints)}
}

// lookup walks down segs; nil when a segment is unknown, depth then says which.
func (s *spec) lookup(segs []string) (found *spec, depth int) {
	for i, seg := range segs {
		if s = s.below(seg); s == nil {
			return nil, i
		}
	}
	return s, len(segs)
}

// below is what a key inside s holds, nil when there can be none.
func (s *spec) below(key string) *spec {
	switch s.kind {
	case tableValue:
		if f := s.fields[key]; f != nil {
			return f
		}
		return s.rest
	case mapValue:
		if s.elem == nil {
			return anything()
		}
		return s.elem
	case unionValue:
		for _, alt := range s.alts {
			if f := alt.below(key); f != nil {
				return f
			}
		}
	case anyValue:
		return s
	default:
	}
	return nil
}

// nearestKey suggests a sibling of the first unknown segment, else a key of that name, or nearly, in another table.
func nearestKey(segs []string, schemas ...*spec) string {
	for _, schema := range schemas {
		_, depth := schema.lookup(segs)
		parent, _ := schema.lookup(segs[:depth])
		if near := nearestOf(segs[depth], parent.names()); near != "" {
			return formatKey(append(slices.Clone(segs[:depth]), near))
		}
	}
	last, close := segs[len(segs)-1], ""
	for _, schema := range schemas {
		for _, group := range schema.names() {
			names := schema.fields[group].names()
			if slices.Contains(names, last) {
				return formatKey([]string{group, last})
			}
			if near := nearestOf(last, names); near != "" && close == "" {
				close = formatKey([]string{group, near})
			}
		}
	}
	return close
}

// names are the fields of a table in order.
func (s *spec) names() []string {
	if s.kind == unionValue {
		for _, alt := range s.alts {
			if n := alt.names(); n != nil {
				return n
			}
		}
	}
	return sortedKeys(s.fields)
}
