package filesystem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a pattern.
const (
	MaxGlobs        = 256
	maxGlobBytes    = 4096
	maxAlternatives = 64
)

// ErrGlob means that a pattern cannot be read; the text says why.
var ErrGlob = errors.New("bad pattern")

// IsGlob reports whether p is a pattern rather than the name of one path.
func IsGlob(p string) bool { return strings.ContainsAny(p, "*?[") }

// Glob is a compiled pattern over absolute paths. * and ? stand for anything but a slash, [a-z] and [!a-z] for one
// character, {a,b} for either, a backslash takes the next character as it is, and a name ** for any number of names,
// none included. What lies below a match is covered too, so a trailing /** changes nothing. The zero value covers nothing.
type Glob struct {
	pattern string
	forms   [][]name // one for each choice of alternatives
}

// name is one name of a pattern; anyDepth is **.
type name struct {
	parts    []part
	anyDepth bool
}

// part is one character of a name: a star, or a set of ranges.
type part struct {
	star, negated bool
	ranges        []span
}

type span struct{ low, high rune }

// CompileGlob reads a pattern, which must begin with a slash. A text without * ? [ names that one path.
func CompileGlob(pattern string) (Glob, error) {
	bad := func(format string, args ...any) (Glob, error) {
		return Glob{}, fmt.Errorf("%w %.200q: %s", ErrGlob, pattern, fmt.Sprintf(format, args...))
	}
	switch {
	case !strings.HasPrefix(pattern, "/"):
		return bad("it must begin with /")
	case len(pattern) > maxGlobBytes:
		return bad("%d bytes, at most %d", len(pattern), maxGlobBytes)
	case strings.ContainsRune(pattern, 0):
		return bad("NUL byte")
	}
	texts, err := alternatives(pattern)
	if err != nil {
		return bad("%v", err)
	}
	g := Glob{pattern: pattern}
	for _, text := range texts {
		form, err := compileForm(text)
		if err != nil {
			return bad("%v", err)
		}
		g.forms = append(g.forms, form)
	}
	return g, nil
}

// String is the pattern as given.
func (g Glob) String() string { return g.pattern }

func compileForm(text string) ([]name, error) {
	var form []name
	for _, one := range strings.Split(text, "/") {
		switch one {
		case "", ".":
			continue
		case "..":
			return nil, errors.New(`".." in it`)
		case "**":
			if n := len(form); n == 0 || !form[n-1].anyDepth {
				form = append(form, name{anyDepth: true})
			}
			continue
		}
		parts, err := compileName(one)
		if err != nil {
			return nil, err
		}
		form = append(form, name{parts: parts})
	}
	for len(form) > 0 && form[len(form)-1].anyDepth { // below a match is covered anyway
		form = form[:len(form)-1]
	}
	return form, nil
}

func compileName(text string) ([]part, error) {
	var out []part
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case '*':
			if n := len(out); n == 0 || !out[n-1].star {
				out = append(out, part{star: true})
			}
		case '?':
			out = append(out, part{negated: true})
		case '[':
			p, end, err := compileClass(runes, i+1)
			if err != nil {
				return nil, err
			}
			out, i = append(out, p), end
		case '\\':
			if i++; i == len(runes) {
				return nil, errors.New("a backslash at the end of a name")
			}
			out = append(out, part{ranges: []span{{runes[i], runes[i]}}})
		default:
			out = append(out, part{ranges: []span{{c, c}}})
		}
	}
	return out, nil
}

// compileClass reads what follows [ and returns the index of its ].
func compileClass(runes []rune, i int) (part, int, error) {
	p := part{}
	if i < len(runes) && (runes[i] == '!' || runes[i] == '^') {
		p.negated = true
		i++
	}
	for first := true; i < len(runes); first = false {
		c := runes[i]
		if c == ']' && !first {
			return p, i, nil
		}
		if c == '\\' && i+1 < len(runes) {
			i++
			c = runes[i]
		}
		high := c
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i+2] != ']' {
			high = runes[i+2]
			i += 2
		}
		if high < c {
			return p, 0, fmt.Errorf("range %c-%c runs backwards", c, high)
		}
		p.ranges = append(p.ranges, span{c, high})
		i++
	}
	return p, 0, errors.New("[ without ]")
}

// alternatives writes {a,b} out.
func alternatives(text string) ([]string, error) {
	done, todo := []string(nil), []string{text}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		open, closing, commas := braces(at)
		switch {
		case open < 0:
			done = append(done, at)
		case closing < 0:
			return nil, errors.New("{ without }")
		default:
			from := open + 1
			for _, to := range append(commas, closing) {
				todo = append(todo, at[:open]+at[from:to]+at[closing+1:])
				from = to + 1
			}
		}
		if len(done)+len(todo) > maxAlternatives {
			return nil, fmt.Errorf("more than %d alternatives", maxAlternatives)
		}
	}
	return done, nil
}

// braces finds the first { of text, its }, and the commas between them at its own level.
func braces(text string) (open, closing int, commas []int) {
	open, closing = -1, -1
	for i, depth, class := 0, 0, false; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '{':
			if depth++; depth == 1 {
				open = i
			}
		case c == ',' && depth == 1:
			commas = append(commas, i)
		case c == '}' && depth > 0:
			if depth--; depth == 0 {
				return open, i, commas
			}
		}
	}
	return open, closing, commas
}

// Covers reports whether p (absolute and clean) or a folder above it matches, and how many leading names of p the
// deepest match has. Its time is bounded by the lengths of pattern and path multiplied.
func (g Glob) Covers(p string) (depth int, ok bool) {
	if !canonical(p) {
		return 0, false
	}
	names := namesOf(p)
	best := -1
	for _, form := range g.forms {
		best = max(best, deepest(form, names))
	}
	return max(best, 0), best >= 0
}

// Matches reports whether p itself matches, not only a folder above it.
func (g Glob) Matches(p string) bool {
	depth, ok := g.Covers(p)
	return ok && depth == Depth(p)
}

func namesOf(p string) []string {
	if p == "/" {
		return nil
	}
	return strings.Split(p[1:], "/")
}

// deepest is the greatest number of leading names that the form matches, -1 = none.
func deepest(form []name, names []string) int {
	best := -1
	at := make([]bool, len(form)+1) // at[i]: form[:i] matches the names so far
	at[0] = true
	for n := 0; ; n++ {
		for i := range form { // ** may stand for no name
			at[i+1] = at[i+1] || at[i] && form[i].anyDepth
		}
		if at[len(form)] {
			best = n
		}
		if n == len(names) || !slices.Contains(at, true) {
			return best
		}
		next := make([]bool, len(form)+1)
		for i := range form {
			switch {
			case !at[i]:
			case form[i].anyDepth:
				next[i] = true
			case form[i].matches(names[n]):
				next[i+1] = true
			}
		}
		at = next
	}
}

func (n name) matches(s string) bool {
	text := []rune(s)
	p, i, star, mark := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case p < len(n.parts) && n.parts[p].star:
			star, mark = p, i
			p++
		case p < len(n.parts) && n.parts[p].holds(text[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(n.parts) && n.parts[p].star {
		p++
	}
	return p == len(n.parts)
}

func (p part) holds(c rune) bool {
	return p.negated != slices.ContainsFunc(p.ranges, func(s span) bool { return s.low <= c && c <= s.high })
}

// Base is the deepest folder that every match lies in or below, for a walk to start from; the match itself when the
// pattern names one path.
func (g Glob) Base() string {
	if len(g.forms) == 0 {
		return "/"
	}
	base := literals(g.forms[0])
	for _, form := range g.forms[1:] {
		other := literals(form)
		for i := range base {
			if i == len(other) || base[i] != other[i] {
				base = base[:i]
				break
			}
		}
	}
	return "/" + strings.Join(base, "/")
}

// Rebase is the same pattern with its base at another place.
func (g Glob) Rebase(base string) (Glob, error) {
	rest := g.pattern
	for range Depth(g.Base()) {
		rest = strings.TrimLeft(rest, "/")
		for strings.HasPrefix(rest, "./") {
			rest = strings.TrimLeft(rest[1:], "/")
		}
		_, rest, _ = strings.Cut(rest, "/")
	}
	return CompileGlob(strings.TrimSuffix(escape(base), "/") + "/" + strings.TrimLeft(rest, "/"))
}

// literals are the leading names that stand for themselves.
func literals(form []name) []string {
	var out []string
	for _, n := range form {
		text := make([]rune, 0, len(n.parts))
		for _, p := range n.parts {
			if p.star || p.negated || len(p.ranges) != 1 || p.ranges[0].low != p.ranges[0].high {
				return out
			}
			text = append(text, p.ranges[0].low)
		}
		if n.anyDepth {
			return out
		}
		out = append(out, string(text))
	}
	return out
}

// GlobSet is several patterns asked together.
type GlobSet []Glob

// Globs compiles DeniedGlobs, for many questions about one plan.
func (p Plan) Globs() (GlobSet, error) {
	set := make(GlobSet, 0, len(p.DeniedGlobs))
	for _, pattern := range p.DeniedGlobs {
		g, err := CompileGlob(pattern)
		if err != nil {
			return nil, err
		}
		set = append(set, g)
	}
	return set, nil
}

// Covers is the pattern that covers p with the deepest match, and how many leading names of p that has; empty = none.
func (s GlobSet) Covers(p string) (pattern string, depth int) {
	for _, g := range s {
		if d, ok := g.Covers(p); ok && (pattern == "" || d > depth) {
			pattern, depth = g.pattern, d
		}
	}
	return pattern, depth
}
