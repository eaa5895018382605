package redact

import (
	"cmp"
	"slices"
)

// span is a part of a text that is removed.
type span struct {
	from, to int
	rule     int // index in Rules.rules
}

// hit is a keyword that was seen: its rule may match from at on, in a window of so many bytes.
type hit struct {
	at, rule, window int
}

// scan looks for secrets in a text that may still grow at its end. What it finds does not depend on how the text was cut: a
// rule is tried in windows whose place and size follow from the text alone, when the whole window is there or the text has ended.
type scan struct {
	rules *Rules
	sure  bool // leave out rules that are unsure

	text   string // what is not settled yet, with context before it
	base   int    // of text in the whole
	done   int    // in text: what the automaton has seen
	state  uint16
	hits   []hit // in order, not tried yet; at is an offset in the whole, as below
	spans  []span
	passed []int // by rule: up to where its last match or window went
}

func newScan(r *Rules, sure bool) *scan { return &scan{rules: r, sure: sure} }

// advance tries what can be tried, and returns up to where, in the whole, text is settled.
func (s *scan) advance(final bool) int {
	s.look()
	for len(s.hits) > 0 && s.try(&s.hits[0], final) {
		s.hits = s.hits[1:]
	}
	end := s.base + len(s.text)
	if final {
		return end
	}
	settled := end - int(s.rules.words.depth[s.state]) - s.rules.before
	if len(s.hits) > 0 {
		settled = min(settled, s.hits[0].at-s.rules.before)
	}
	slices.SortFunc(s.spans, bySpan)
	for _, p := range slices.Backward(s.spans) { // a span is settled as a whole, with what it touches
		if p.to > settled && p.from < settled {
			settled = p.from
		}
	}
	return max(settled, s.base)
}

func bySpan(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.rule, b.rule)) }

// look runs the automaton over what is new.
func (s *scan) look() {
	for _, rule := range s.rules.everywhere {
		for at := (s.base + s.done + stride - 1) / stride * stride; at < s.base+len(s.text); at += stride {
			s.hits = append(s.hits, hit{at, rule, s.rules.rules[rule].window})
		}
	}
	s.state = s.rules.words.run(s.state, s.text, s.done, func(ends []keyword, end int) {
		for _, k := range ends {
			r := &s.rules.rules[k.rule]
			at := end - k.length
			if s.sure && r.Unsure || r.Boundary && inWord(s.text, at) {
				continue
			}
			s.hits = append(s.hits, hit{s.base + at, k.rule, r.window})
		}
	})
	s.done = len(s.text)
}

// try looks at one window; false means that more text is needed.
func (s *scan) try(h *hit, final bool) bool {
	r := &s.rules.rules[h.rule]
	if s.passed == nil {
		s.passed = make([]int, len(s.rules.rules))
	}
	if h.at < s.passed[h.rule] {
		return true
	}
	for {
		end := h.at + h.window
		if end > s.base+len(s.text) {
			if !final {
				return false
			}
			end = s.base + len(s.text)
		}
		start := h.at
		if r.Tied && !tied(s.text[:end-s.base], h.at-s.base) || r.Needs != "" && !leads(s.text[:end-s.base], h.at-s.base+r.shortest, r.Needs[0]) {
			return true
		}
		if r.Around {
			start = max(h.at-around, s.base)
		}
		found := r.find(s.text[start-s.base:end-s.base], h.at-start)
		whole := end == s.base+len(s.text) && final
		if n := len(found); n > 0 && start+found[n-1].end >= end && !whole && h.window < maxWindow && r.text == nil {
			h.window = min(8*h.window, maxWindow) // the match goes to the end of what was looked at
			continue
		}
		s.keep(r, h, start, found)
		return true
	}
}

// maxTie is how far behind a keyword its = or : may stand, in bytes.
const maxTie = 64

// tied reports whether names, blanks, quotes and backslashes lead from text[at:] to = or : or a comma.
func tied(text string, at int) bool {
	for _, c := range []byte(text[at:min(at+maxTie, len(text))]) {
		switch glue[c] {
		case 0:
			return false
		case 2:
			return true
		}
	}
	return false
}

// glue is 1 for what may stand between a keyword and its value, 2 for what ties them.
var glue = func() (t [256]uint8) {
	for c := range t {
		if wordByte(byte(c)) {
			t[c] = 1
		}
	}
	for _, c := range []byte("-. \t\r\n\"'\\") {
		t[c] = 1
	}
	t['='], t[':'], t[','] = 2, 2, 2
	return t
}()

// leads reports whether c stands in text[at:] before the next blank, quote or slash.
func leads(text string, at int, c byte) bool {
	for _, b := range []byte(text[at:]) {
		switch b {
		case c:
			return true
		case ' ', '\t', '\r', '\n', '"', '\'', '\\', '/', '<', '>':
			return false
		}
	}
	return false
}

func (s *scan) keep(r *compiled, h *hit, start int, found []match) {
	if r.Around {
		s.passed[h.rule] = h.at + h.window/2
	}
	for _, m := range found {
		if r.accepts(m) {
			s.spans = append(s.spans, span{start + m.from, start + m.to, h.rule})
			if !r.Around {
				s.passed[h.rule] = start + m.to
			}
		}
	}
}

// take returns the spans up to settled, joined where they overlap; the rule that stands first names the result.
func (s *scan) take(settled int) []span {
	slices.SortFunc(s.spans, bySpan)
	var out []span
	n := 0
	for ; n < len(s.spans) && s.spans[n].from < settled; n++ {
		f := s.spans[n]
		if k := len(out); k > 0 && f.from < out[k-1].to {
			out[k-1].to, out[k-1].rule = max(out[k-1].to, f.to), min(out[k-1].rule, f.rule)
			continue
		}
		out = append(out, f)
	}
	s.spans = s.spans[n:]
	return out
}

func wordByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
