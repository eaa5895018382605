package config

import (
	"slices"
	"strings"
)

// secretTables are tables, by name, whose texts are never shown.
var secretTables = []string{"headers", "http_headers", "env", "set", "query_params"}

// secretKeys are texts that are never shown.
var secretKeys = []string{"experimental_bearer_token"}

func secretPath(path []string) bool {
	for i, p := range path {
		if slices.Contains(secretKeys, p) || i < len(path)-1 && slices.Contains(secretTables, p) {
			return true
		}
	}
	return false
}

// shownValue is the plain value with secrets masked.
func shownValue(n *node, path []string) any {
	switch {
	case n == nil:
		return nil
	case n.kids != nil:
		m := make(map[string]any, len(n.kids))
		for k, kid := range n.kids {
			m[k] = shownValue(kid, append(path[:len(path):len(path)], k))
		}
		return m
	case secretPath(path):
		return masked
	case n.array:
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = shownValue(item, path)
		}
		return items
	case isText(n.val):
		return maskUserinfo(n.val.(string))
	default:
		return n.plain()
	}
}

func isText(v any) bool { _, ok := v.(string); return ok }

// maskUserinfo hides what stands between :// and @ of an address.
func maskUserinfo(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return scheme + "://" + masked + rest[at:]
	}
	return s
}

// Origin is where the effective value of a dotted key was written. For a table
// it is the place of the strongest layer that wrote into it. The zero Origin
// means the key is unset.
func (c *Config) Origin(key string) Origin {
	segs, err := splitKey(key)
	if err != nil {
		return Origin{}
	}
	n := c.final.find(segs...)
	if n == nil {
		return Origin{}
	}
	if !n.isTable() {
		return n.origin
	}
	strongest := Origin{}
	n.each(nil, func(_ []string, leaf *node) {
		if layerRank(leaf.origin.Layer) > layerRank(strongest.Layer) {
			strongest = leaf.origin
		}
	})
	return strongest
}

// layerOrder is weakest first.
var layerOrder = []Layer{LayerDefault, LayerSystem, LayerUser, LayerProfile, LayerProject, LayerFlag, LayerManaged, LayerCommand, LayerRequirements}

func layerRank(name Layer) int { return slices.Index(layerOrder, name) }

// Value is the effective value of a dotted key as plain data, secrets masked;
// nil means unset.
func (c *Config) Value(key string) any {
	segs, err := splitKey(key)
	if err != nil {
		return nil
	}
	return shownValue(c.final.find(segs...), segs)
}

// Explain tells which layers set a key, which one won and which requirement or
// command changed it. A key of requirements.toml is answered with what the
// composed requirements say.
func (c *Config) Explain(key string) Explanation {
	segs, err := splitKey(key)
	if err != nil {
		return Explanation{Key: key}
	}
	x := Explanation{Key: formatKey(segs), KeyInfo: Describe(key), Value: c.Value(key), Origin: c.Origin(key)}
	if x.Requirement {
		if n := c.Requirements.tree.find(segs...); n != nil {
			x.Value, x.Origin = shownValue(n, segs), leafOrigin(n)
		}
		return x
	}
	for _, one := range slices.Backward(c.layers) {
		if n := one.root.find(segs...); n != nil {
			o := leafOrigin(n)
			x.Candidates = append(x.Candidates, Setting{Key: x.Key, Value: shownValue(n, segs), Origin: o})
		}
	}
	x.Constraint = c.constraintOn(segs)
	return x
}

// constraintOn finds the rule on the key itself or on a table around it.
func (c *Config) constraintOn(segs []string) *Constraint {
	for n := len(segs); n > 0; n-- {
		s, ok := c.settled[formatKey(segs[:n])]
		switch {
		case !ok:
			continue
		case n == len(segs):
			return &s
		}
		s.Configured = plainAt(s.Configured, segs[n:])
		if s.Rule != formatKey(segs[:n]) { // the value as a whole was replaced
			return &s
		}
		rule := c.Requirements.tree.find(segs...)
		if rule == nil {
			return nil // the table is pinned elsewhere
		}
		s.Origin, s.Rule = leafOrigin(rule), formatKey(segs)
		return &s
	}
	return nil
}

// plainAt walks down a plain value; nil when there is nothing.
func plainAt(v any, segs []string) any {
	for _, seg := range segs {
		table, _ := v.(map[string]any)
		v = table[seg]
	}
	return v
}

// Origins lists every effective scalar and list, by key.
func (c *Config) Origins() []Setting {
	var all []Setting
	c.final.each(nil, func(path []string, leaf *node) {
		all = append(all, Setting{Key: formatKey(path), Value: shownValue(leaf, path), Origin: leaf.origin, Constraint: c.constraintOn(path)})
	})
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return all
}
