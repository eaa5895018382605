package redact

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

const (
	// around is how far before its keyword a match of a rule with Around may begin, in bytes.
	around = 256
	// stride is how far windows of rules without keywords are apart.
	stride        = 4096
	defaultWindow = 256
	// maxWindow bounds a match, and with it what a stream holds back.
	maxWindow = 64 << 10
)

// Rules is a compiled set, immutable and safe for concurrent use.
type Rules struct {
	version string
	rules   []compiled
	words   *automaton
	// before is how far before a keyword any match may begin, everywhere the rules without keywords.
	before     int
	everywhere []int
}

// compiled is a rule, or a known value.
type compiled struct {
	Rule
	re     func() *regexp.Regexp
	allow  []*regexp.Regexp
	check  func(match) bool
	text   func() string // of a known value, see Known
	window int
	// shortest is the length of the shortest keyword.
	shortest int
}

func compile(version string, rules []Rule, values []Known) (*Rules, error) {
	out := &Rules{version: versionOf(version, rules)}
	var problems []error
	words := newBuilder()
	for _, v := range values {
		for _, form := range v.forms() {
			c := compiled{Rule: Rule{ID: v.Name}, text: func() string { return form }, window: len(form)}
			words.add(form[:min(len(form), maxPrefix)], len(out.rules))
			out.rules = append(out.rules, c)
		}
	}
	for _, r := range rules {
		c, err := compileRule(r)
		if err != nil {
			problems = append(problems, fmt.Errorf("rule %q: %w", r.ID, err))
			continue
		}
		for _, w := range r.Keywords {
			words.add(w, len(out.rules))
		}
		switch {
		case len(r.Keywords) == 0:
			out.everywhere = append(out.everywhere, len(out.rules))
			out.before = around
		case r.Around:
			out.before = around
		}
		out.rules = append(out.rules, c)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	var err error
	out.words, err = words.build()
	return out, err
}

func compileRule(r Rule) (compiled, error) {
	c := compiled{Rule: r, window: r.Window}
	if r.ID == "" || strings.ContainsAny(r.ID, notInID) || len(r.ID) > maxID {
		return c, errors.New("the id must be a word of at most 64 bytes without []:/\"\\")
	}
	pattern := r.Pattern
	if !r.Around {
		pattern = `\A(?:` + r.Pattern + `)`
	}
	if r.builtIn { // a test compiles it; here when its first keyword is seen, since most never are
		c.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	} else {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return c, fmt.Errorf("pattern: %w", err)
		}
		if r.Group > re.NumSubexp() {
			return c, fmt.Errorf("the pattern has %d groups, not %d", re.NumSubexp(), r.Group)
		}
		c.re = func() *regexp.Regexp { return re }
	}
	for _, a := range r.Allow {
		re, err := regexp.Compile(a)
		if err != nil {
			return c, fmt.Errorf("allow-list: %w", err)
		}
		c.allow = append(c.allow, re)
	}
	for _, w := range r.Keywords {
		if w == "" || len(w) > maxKeyword {
			return c, fmt.Errorf("keyword %q: expected 1 to %d bytes", w, maxKeyword)
		}
		if c.shortest == 0 || len(w) < c.shortest {
			c.shortest = len(w)
		}
	}
	if r.Check != "" {
		if c.check = checks[r.Check]; c.check == nil {
			return c, fmt.Errorf("there is no check %q", r.Check)
		}
	}
	if c.window == 0 {
		c.window = defaultWindow
		if r.Around {
			c.window = 1024
		}
		if len(r.Keywords) == 0 {
			c.window = stride + around
		}
	}
	return c, nil
}

// find looks for the rule in window, which is text from around the keyword on; at is the keyword in it.
func (c *compiled) find(window string, at int) []match {
	if c.text != nil {
		if s := c.text(); strings.HasPrefix(window[at:], s) {
			return []match{{text: window, from: at, to: at + len(s), start: at, end: at + len(s)}}
		}
		return nil
	}
	if !c.Around {
		window = window[at:]
		m := c.re().FindStringSubmatchIndex(window)
		if m == nil {
			return nil
		}
		found := match{text: window, start: m[0], end: m[1]}
		found.from, found.to = c.secretOf(m)
		found.shift(at)
		return []match{found}
	}
	var out []match
	for _, m := range c.re().FindAllStringSubmatchIndex(window, 64) {
		found := match{text: window, start: m[0], end: m[1]}
		found.from, found.to = c.secretOf(m)
		out = append(out, found)
	}
	return out
}

// secretOf picks the group of the secret.
func (c *compiled) secretOf(m []int) (from, to int) {
	if g := 2 * c.Group; g > 0 && m[g] >= 0 {
		return m[g], m[g+1]
	}
	for g := 2; g < len(m); g += 2 {
		if m[g] >= 0 {
			return m[g], m[g+1]
		}
	}
	return m[0], m[1]
}

// accepts reports whether a match is a secret and does not only look like one.
func (c *compiled) accepts(m match) bool {
	s := m.secret()
	if s == "" || marked(s) {
		return false
	}
	if c.text != nil {
		return true
	}
	if c.Entropy > 0 && entropy(s) < c.Entropy {
		return false
	}
	for _, a := range c.allow {
		if a.MatchString(s) {
			return false
		}
	}
	if len(c.Words) > 0 {
		lower := strings.ToLower(s)
		for _, w := range c.Words {
			if strings.Contains(lower, strings.ToLower(w)) {
				return false
			}
		}
	}
	return c.check == nil || c.check(m)
}

const (
	markOpen, markClose = "[MASKED:", "]"
	maxID               = 64
	notInID             = "[]:\"'\\\r\n/ "
)

// marked reports whether s is a mark and nothing else, so that masking twice changes nothing.
func marked(s string) bool {
	id, ok := strings.CutPrefix(s, markOpen)
	id = strings.TrimSuffix(id, markClose) // a value may end before the bracket
	return ok && id != "" && len(id) <= maxID && !strings.ContainsAny(id, notInID)
}
