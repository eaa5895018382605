package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// node is one value of a merged document with the place it was written. Exactly
// one of kids (table), items (array) and val (scalar) is in use.
type node struct {
	kids   map[string]*node
	items  []*node
	val    any
	array  bool
	origin Origin
	// whole marks a table that replaced what was there, by merging; laid on a third document it must do so again,
	// so that merging does not depend on which two documents are laid together first.
	whole bool
}

func newTable(o Origin) *node { return &node{kids: map[string]*node{}, origin: o} }

func (n *node) isTable() bool { return n != nil && n.kids != nil }

// builder turns decoded TOML values into nodes. With places nil every node gets
// the same origin.
type builder struct {
	origin Origin
	places *places
	lines  lineTable
}

func (b builder) at(id int) Origin {
	o := b.origin
	if b.places == nil || id < 0 {
		return o
	}
	if off := b.places.offsets[id]; off >= 0 {
		o.Line, o.Column = b.lines.position(off)
	}
	return o
}

func (b builder) build(v any, id int) *node {
	n := &node{origin: b.at(id)}
	switch v := v.(type) {
	case map[string]any:
		n.kids = make(map[string]*node, len(v))
		for k, kid := range v {
			n.kids[k] = b.build(kid, b.places.find(id, k, -1))
		}
	case []any:
		n.array = true
		for i, item := range v {
			n.items = append(n.items, b.build(item, b.places.find(id, "", i)))
		}
	case float64:
		n.val = v
		if math.IsNaN(v) || math.IsInf(v, 0) {
			n.val = strconv.FormatFloat(v, 'g', -1, 64)
		}
	case string, bool, int64:
		n.val = v
	case time.Time:
		n.val = v.Format(time.RFC3339Nano)
	default: // local dates and times
		n.val = fmt.Sprint(v)
	}
	return n
}

// buildAt makes nodes that all have one origin.
func buildAt(v any, o Origin) *node { return builder{origin: o}.build(v, -1) }

// plain is the value as encoding/json knows it.
func (n *node) plain() any {
	switch {
	case n == nil:
		return nil
	case n.kids != nil:
		m := make(map[string]any, len(n.kids))
		for k, kid := range n.kids {
			m[k] = kid.plain()
		}
		return m
	case n.array:
		s := make([]any, 0, len(n.items))
		for _, item := range n.items {
			s = append(s, item.plain())
		}
		return s
	default:
		return n.val
	}
}

// find walks down segs; nil when there is nothing.
func (n *node) find(segs ...string) *node {
	for _, s := range segs {
		if !n.isTable() {
			return nil
		}
		n = n.kids[s]
	}
	return n
}

func (n *node) text(segs ...string) string {
	if f := n.find(segs...); f != nil {
		s, _ := f.val.(string)
		return s
	}
	return ""
}

// put stores v at segs, making tables on the way; a scalar in the way is replaced.
func (n *node) put(v *node, segs ...string) {
	for _, s := range segs[:len(segs)-1] {
		kid := n.kids[s]
		if !kid.isTable() {
			kid = newTable(v.origin)
			n.kids[s] = kid
		}
		n = kid
	}
	n.kids[segs[len(segs)-1]] = v
}

func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	c := *n
	if n.kids != nil {
		c.kids = make(map[string]*node, len(n.kids))
		for k, kid := range n.kids {
			c.kids[k] = kid.clone()
		}
	}
	c.items = slices.Clone(n.items) // items are never changed in place
	return &c
}

// merge lays over on n: tables key by key, everything else replaced. It is
// associative, and neither argument is changed.
func merge(n, over *node) *node { return mergeAt(n, over, nil) }

func mergeAt(n, over *node, path []string) *node {
	if over == nil {
		return n.clone()
	}
	if !n.isTable() || !over.isTable() || over.whole || replacesWhole(path, n, over) {
		out := over.clone()
		out.whole = over.whole || n != nil && over.isTable()
		return out
	}
	out := &node{kids: make(map[string]*node, len(n.kids)+len(over.kids)), origin: over.origin, whole: n.whole}
	for k, kid := range n.kids {
		if _, both := over.kids[k]; !both {
			out.kids[k] = kid.clone()
		}
	}
	for k, kid := range over.kids {
		out.kids[k] = mergeAt(n.kids[k], kid, append(path[:len(path):len(path)], k))
	}
	return out
}

// replacesWhole keeps two kinds of one exporter from mixing: the headers of one
// collector must not travel to the endpoint of another.
func replacesWhole(path []string, n, over *node) bool {
	if len(path) != 2 || path[0] != "otel" || !strings.HasSuffix(path[1], "exporter") {
		return false
	}
	return !slices.Equal(sortedKeys(n.kids), sortedKeys(over.kids))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// FormatKey writes segs as a TOML dotted key, quoted where it must be.
func FormatKey(segs ...string) string { return formatKey(segs) }

// formatKey writes segs as a TOML dotted key.
func formatKey(segs []string) string {
	parts := make([]string, len(segs))
	for i, s := range segs {
		parts[i] = s
		if !bareKey(s) {
			parts[i] = strconv.Quote(s)
		}
	}
	return strings.Join(parts, ".")
}

func bareKey(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return false
		}
	}
	return s != ""
}

// each calls f for every scalar and array below n, in key order.
func (n *node) each(path []string, f func(path []string, leaf *node)) {
	if n == nil {
		return
	}
	if n.kids == nil {
		f(path, n)
		return
	}
	for _, k := range sortedKeys(n.kids) {
		n.kids[k].each(append(path[:len(path):len(path)], k), f)
	}
}
