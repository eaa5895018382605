package redact

import (
	"cmp"
	"slices"
	"strings"
)

// removed is a span of a text that a rule found.
type removed struct {
	from, to int
	rule     int // index in rules
}

// find returns the spans to remove, in order and without overlaps.
func find(text string) []removed {
	if len(text) < 6 { // no rule matches less
		return nil
	}
	var found []removed
	lower := strings.ToLower(text)
	for i, r := range compiledRules() {
		if !slices.ContainsFunc(r.words, func(w string) bool { return strings.Contains(lower, w) }) {
			continue
		}
		for _, m := range r.re.FindAllStringSubmatchIndex(text, -1) {
			from, to := secretOf(m)
			if s := text[from:to]; s != "" && !marked(s) && (r.check == nil || r.check(s)) {
				found = append(found, removed{from, to, i})
			}
		}
	}
	return merge(found)
}

// secretOf picks the first group that took part, or the whole match.
func secretOf(m []int) (from, to int) {
	for g := 2; g < len(m); g += 2 {
		if m[g] >= 0 {
			return m[g], m[g+1]
		}
	}
	return m[0], m[1]
}

// merge joins overlapping spans; the rule that stands first names the result.
func merge(found []removed) []removed {
	slices.SortFunc(found, func(a, b removed) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.rule, b.rule)) })
	out := found[:0]
	for _, f := range found {
		if n := len(out); n > 0 && f.from < out[n-1].to {
			last := &out[n-1]
			last.to, last.rule = max(last.to, f.to), min(last.rule, f.rule)
			continue
		}
		out = append(out, f)
	}
	return out
}

const markOpen, markClose = "[MASKED:", "]"

// marked reports whether s is a mark and nothing else, so that masking twice changes nothing.
func marked(s string) bool {
	id, ok := strings.CutPrefix(s, markOpen)
	id, closed := strings.CutSuffix(id, markClose)
	return ok && closed && slices.ContainsFunc(rules, func(r rule) bool { return r.id == id })
}

// mask removes what find finds in a field's text.
func (p *Policy) mask(field, text string) (string, []Receipt) {
	found := find(text)
	if len(found) == 0 {
		return text, nil
	}
	var b strings.Builder
	var receipts []Receipt
	at := 0
	for _, f := range found {
		id := rules[f.rule].id
		b.WriteString(text[at:f.from])
		b.WriteString(markOpen + id + markClose)
		receipts = append(receipts, Receipt{field, id, f.to - f.from, fingerprint(p.opts.Key, text[f.from:f.to])})
		at = f.to
	}
	b.WriteString(text[at:])
	return b.String(), receipts
}
