package patch

import (
	"errors"
	"strings"
)

// maxComparisons bounds the line comparisons of one file: a patch of a hostile model must not hold the executor up.
const maxComparisons = 50_000_000

var errCost = errors.New("finding the place of a hunk takes too many comparisons; use smaller hunks with more telling context")

// looseness is how far two lines may differ and still match, strictest first.
var looseness = []func(string) string{
	func(s string) string { return s },
	func(s string) string { return strings.TrimRight(s, " \t\r") },
	strings.TrimSpace,
	func(s string) string { return strings.TrimSpace(plain.Replace(s)) },
}

// plain turns typographic characters into those on a keyboard.
var plain = strings.NewReplacer(
	"\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2015", "-", "\u2212", "-",
	"\u2018", "'", "\u2019", "'", "\u201A", "'", "\u201B", "'",
	"\u201C", `"`, "\u201D", `"`, "\u201E", `"`, "\u201F", `"`,
	"\u00A0", " ", "\u2002", " ", "\u2003", " ", "\u2004", " ", "\u2005", " ", "\u2006", " ", "\u2007", " ",
	"\u2008", " ", "\u2009", " ", "\u200A", " ", "\u202F", " ", "\u205F", " ", "\u3000", " ",
)

// matcher finds lines in a file. The forms of the file's lines are made once per looseness.
type matcher struct {
	lines []string
	forms [4][]string
	left  int // comparisons
}

func newMatcher(lines []string) *matcher { return &matcher{lines: lines, left: maxComparisons} }

// find returns the first index >= from where pattern stands, or -1. The strictest looseness that finds a place wins.
// With atEnd the end of the file is tried first.
func (m *matcher) find(pattern []string, from int, atEnd bool) (int, error) {
	if len(pattern) > len(m.lines) {
		return -1, nil
	}
	for level, form := range looseness {
		want := make([]string, len(pattern))
		for i, p := range pattern {
			want[i] = form(p)
		}
		have := m.form(level)
		if last := len(have) - len(want); atEnd && last >= from && m.equal(have[last:], want) {
			return last, nil
		}
		for at := from; at+len(want) <= len(have); at++ {
			if m.equal(have[at:], want) {
				return at, nil
			}
			if m.left < 0 {
				return -1, errCost
			}
		}
	}
	return -1, nil
}

func (m *matcher) equal(have, want []string) bool {
	for i, w := range want {
		if m.left--; have[i] != w {
			return false
		}
	}
	return true
}

func (m *matcher) form(level int) []string {
	if m.forms[level] == nil {
		m.forms[level] = make([]string, len(m.lines))
		for i, l := range m.lines {
			m.forms[level][i] = looseness[level](l)
		}
	}
	return m.forms[level]
}
