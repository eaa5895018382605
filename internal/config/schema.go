package config

import (
	"fmt"
	"slices"
	"strings"
)

// kind is the shape a value must have.
type kind int

const (
	anyValue kind = iota
	stringValue
	boolValue
	intValue
	numberValue
	arrayValue // of elem
	tableValue // with fields
	mapValue   // free keys, elem values
	unionValue // one of alts, told apart by shape
)

// spec says what a key accepts. Schemas are trees of specs, written as tables
// in schema_config.go and schema_requirements.go.
type spec struct {
	kind     kind
	words    []string          // strings: the accepted words, nil = any
	aliases  map[string]string // strings: accepted, and read as another word
	fields   map[string]*spec
	elem     *spec
	rest     *spec // table: what keys outside of fields hold, nil = they are unknown
	alts     []*spec
	min, max int64 // integers, when max > 0

	closed bool   // table: an unknown key is an error and no warning
	ignore bool   // table: unknown keys are ignored without a word
	inert  bool   // accepted for files shared with Codex, changes nothing here
	use    string // the key that replaces this deprecated one
	what   string // overrides the generated description
	// check looks at a value of the right shape; it returns what was wrong and what was expected.
	check func(n *node) (got, expected string)
	// inspect does so where several parts of n may be wrong, and reports them itself.
	inspect func(r *report, n *node, path []string)
	// keys looks at each free key of a map.
	keys func(key string) (got, expected string)
}

func (s *spec) String() string {
	if s.what != "" {
		return s.what
	}
	switch s.kind {
	case stringValue:
		if len(s.words) > 0 {
			return "one of " + quoteAll(s.words)
		}
		return "text"
	case boolValue:
		return "true or false"
	case intValue:
		if s.max > 0 {
			return fmt.Sprintf("a whole number from %d to %d", s.min, s.max)
		}
		return "a whole number"
	case numberValue:
		return "a number"
	case arrayValue:
		return "a list of " + s.elem.String()
	case tableValue, mapValue:
		return "a table"
	case unionValue:
		parts := make([]string, len(s.alts))
		for i, a := range s.alts {
			parts[i] = a.String()
		}
		return strings.Join(parts, ", or ")
	default:
		return "any value"
	}
}

func quoteAll(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(q, ", ")
}

// checker walks one document and reports what does not fit.
type checker struct {
	r      *report
	strict bool // unknown keys are errors here
}

// validate reports every misfit of n below path and rewrites aliases in place.
func (c *checker) validate(n *node, s *spec, path []string) {
	switch s.kind {
	case tableValue:
		c.table(n, s, path)
	case mapValue:
		c.freeMap(n, s, path)
	case arrayValue:
		c.list(n, s, path)
	case unionValue:
		c.union(n, s, path)
	case anyValue:
	default:
		c.scalar(n, s, path)
	}
}

func (c *checker) misfit(n *node, s *spec, path []string) {
	c.r.failAt(n.origin, formatPath(path), "got "+describe(n), s.String(), "")
}

func (c *checker) table(n *node, s *spec, path []string) {
	if n.kids == nil {
		c.misfit(n, s, path)
		return
	}
	for _, k := range sortedKeys(n.kids) {
		kid, at := n.kids[k], append(slices.Clip(path), k)
		f := s.fields[k]
		if f == nil {
			f = s.rest
		}
		if f == nil {
			c.unknown(kid, s, at)
			delete(n.kids, k) // what decodes the tree would take another spelling of a key for it
			continue
		}
		if f.use != "" {
			c.r.warn(WarnDeprecated, kid.origin, formatPath(at), "%s is deprecated; use %s", formatPath(at), f.use)
		}
		c.validate(kid, f, at)
	}
	c.own(n, s, path)
}

func (c *checker) unknown(kid *node, s *spec, at []string) {
	if s.ignore || c.r.full(s.closed || c.strict) {
		return
	}
	key := formatPath(at)
	hint := ""
	if near := nearest(at[len(at)-1], s.fields); near != "" {
		hint = fmt.Sprintf("did you mean %q?", formatPath(append(at[:len(at)-1:len(at)-1], near)))
	} else if len(at) == 1 && len(key) <= maxTextShown { // perhaps it belongs into a table
		if near := nearestKey(at, s); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	if s.closed || c.strict {
		o := kid.origin
		c.r.failAt(o, key, "unknown key", "", hint)
		return
	}
	msg := fmt.Sprintf("unknown key %s is ignored", key)
	if hint != "" {
		msg += "; " + hint
	}
	c.r.warn(WarnUnknownKey, kid.origin, key, "%s", msg)
}

func (c *checker) freeMap(n *node, s *spec, path []string) {
	if n.kids == nil {
		c.misfit(n, s, path)
		return
	}
	for _, k := range sortedKeys(n.kids) {
		kid, at := n.kids[k], append(slices.Clip(path), k)
		if s.keys != nil {
			if got, expected := s.keys(k); got != "" {
				c.r.failAt(kid.origin, formatPath(at), got, expected, "")
			}
		}
		if s.elem != nil {
			c.validate(kid, s.elem, at)
		}
	}
	c.own(n, s, path)
}

func (c *checker) list(n *node, s *spec, path []string) {
	if !n.array {
		c.misfit(n, s, path)
		return
	}
	for i, item := range n.items {
		at := append(slices.Clip(path), fmt.Sprintf("[%d]", i))
		c.validate(item, s.elem, at)
	}
	c.own(n, s, path)
}

func (c *checker) union(n *node, s *spec, path []string) {
	i := slices.IndexFunc(s.alts, func(a *spec) bool { return sameShape(n, a) })
	if i < 0 {
		c.misfit(n, s, path)
		return
	}
	alt := *s.alts[i]
	if alt.kind == stringValue && alt.what == "" { // a wrong word must list the other shapes too
		alt.what = s.String()
	}
	c.validate(n, &alt, path)
}

func sameShape(n *node, s *spec) bool {
	switch s.kind {
	case tableValue, mapValue:
		return n.kids != nil
	case arrayValue:
		return n.array
	case anyValue:
		return true
	default:
		return scalarFits(n, s)
	}
}

func scalarFits(n *node, s *spec) bool {
	switch n.val.(type) {
	case string:
		return s.kind == stringValue
	case bool:
		return s.kind == boolValue
	case int64:
		return s.kind == intValue || s.kind == numberValue
	case float64:
		return s.kind == numberValue
	}
	return false
}

func (c *checker) scalar(n *node, s *spec, path []string) {
	if !scalarFits(n, s) {
		c.misfit(n, s, path)
		return
	}
	switch v := n.val.(type) {
	case string:
		if to, ok := s.aliases[v]; ok {
			c.r.warn(WarnDeprecated, n.origin, formatPath(path), "%q is an older word; use %q", v, to)
			n.val = to
			return
		}
		if s.words != nil && !slices.Contains(s.words, v) {
			c.r.failAt(n.origin, formatPath(path), "unknown value "+shown(v), s.String(), nearestHint(v, s.words))
			return
		}
	case int64:
		if s.max > 0 && (v < s.min || v > s.max) {
			c.r.failAt(n.origin, formatPath(path), fmt.Sprintf("got %d", v), s.String(), "")
			return
		}
	}
	c.own(n, s, path)
}

func (c *checker) own(n *node, s *spec, path []string) {
	if s.inspect != nil {
		s.inspect(c.r, n, path)
	}
	if s.check == nil {
		return
	}
	if got, expected := s.check(n); got != "" {
		c.r.failAt(n.origin, formatPath(path), got, expected, "")
	}
}

// formatPath is formatKey with list indexes ("[0]") attached to their list.
func formatPath(path []string) string {
	var b strings.Builder
	for _, p := range path {
		if strings.HasPrefix(p, "[") && strings.HasSuffix(p, "]") && b.Len() > 0 {
			b.WriteString(p)
			continue
		}
		sep(&b, ".")
		b.WriteString(formatKey([]string{p}))
	}
	return b.String()
}

func describe(n *node) string {
	switch {
	case n.kids != nil:
		return "a table"
	case n.array:
		return "a list"
	}
	switch v := n.val.(type) {
	case string:
		return "text " + shown(v)
	case bool:
		return fmt.Sprint(v)
	default:
		return fmt.Sprintf("%v", v)
	}
}
