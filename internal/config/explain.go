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
	default:
		return n.plain()
	}
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
// command changed it.
func (c *Config) Explain(key string) Explanation {
	segs, err := splitKey(key)
	if err != nil {
		return Explanation{Key: key}
	}
	x := Explanation{Key: formatKey(segs), Value: c.Value(key), Origin: c.Origin(key)}
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
		key := formatKey(segs[:n])
		if s, ok := c.settled[key]; ok {
			if secretPath(segs) {
				s.Configured = masked
			}
			if n < len(segs) && c.Requirements.tree.find(segs...) == nil {
				return nil // the table is constrained elsewhere
			}
			return &s
		}
	}
	return nil
}

// Origins lists every effective scalar and list, by key.
func (c *Config) Origins() []Setting {
	var all []Setting
	c.final.each(nil, func(path []string, leaf *node) {
		all = append(all, Setting{Key: formatKey(path), Value: shownValue(leaf, path), Origin: leaf.origin})
	})
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return all
}
