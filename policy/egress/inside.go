package egress

import "strings"

// Inside reports whether everything that one pattern matches is matched by another: exact names and those below "*." and
// "**."; other globs are inside of themselves and of "*" only. Ports must be the same, or the outer pattern has none.
func Inside(pattern, of string) bool {
	inner, err1 := newRule(pattern, verdictAllow)
	outer, err2 := newRule(of, verdictAllow)
	if err1 != nil || err2 != nil || outer.port != 0 && outer.port != inner.port {
		return false
	}
	in, out := shapeOf(inner), shapeOf(outer)
	if in == out || out.glob == "*" {
		return true
	}
	strictly := strings.HasSuffix(in.name, "."+out.name)
	switch out.below {
	case apexToo:
		return in.glob == "" && (in.name == out.name || strictly)
	case below:
		return in.glob == "" && (strictly || in.below == below && in.name == out.name)
	default:
		return false
	}
}

// Global reports whether a pattern is that of every host, on all ports or on one.
func Global(pattern string) bool {
	r, err := newRule(pattern, verdictAllow)
	return err == nil && shapeOf(r).glob == "*"
}

// depth is what of a name a pattern matches.
type depth int

const (
	exactly depth = iota
	below         // one label or more
	apexToo       // and the name itself
)

type shape struct {
	name  string
	below depth
	glob  string // any other pattern
}

func shapeOf(r rule) shape {
	if r.globs == nil {
		return shape{name: r.exact}
	}
	first := r.globs[0]
	if len(r.globs) == 2 && !strings.ContainsAny(first, metaChars) {
		return shape{name: first, below: apexToo}
	}
	if name, ok := strings.CutPrefix(first, "*."); ok && len(r.globs) == 1 && !strings.ContainsAny(name, metaChars) {
		return shape{name: name, below: below}
	}
	return shape{glob: strings.Join(r.globs, " ")}
}
