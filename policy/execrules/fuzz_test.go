package execrules

import (
	"errors"
	"testing"
)

// Any text either loads or is refused with a position in the file; loaded rules answer without panic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "prefix_rule(pattern=['a', ['b', 'c']], decision='prompt', match=['a b'], justification='j')",
		"for c in ['x', 'y']:\n    prefix_rule([c])", "x = 'a'\nprefix_rule([f'{x}{{', r'\\'])", "host_executable('git', ['/usr/bin/git', '~/git'])",
		"network_rule('[::1]:80', 'https', 'deny')", "def f(a, *b, c = 1, **d):\n    return a if b else [x for x in d]\nf(1)[0:1:1]",
		"x = {1: (2, 3)}\nx[1] += (4,)\ny = lambda z: -z", "f'''{a}\n'''", "f\"{", "a.b().c(*[1], **{})",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := Parse([]File{{Name: "f.rules", Text: text}})
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.File != "f.rules" || e.Line < 0 || e.Column < 0 {
				t.Fatalf("error without position: %#v", err)
			}
			return
		}
		rules.Check([]string{"/bin/a", "b"}, Options{ResolveHostExecutables: true})
		rules.Network("a.b:1", "https")
	})
}

// Splitting a command line never panics, and what it returns splits to itself when quoted.
func FuzzSplitWords(f *testing.F) {
	for _, s := range []string{"a b", "a 'b c' \"d\\\"e\"", "a\\ b", "# x", "''", "\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := SplitWords(s)
		if err != nil {
			return
		}
		for _, w := range words {
			if len(w) > len(s) {
				t.Fatalf("word %q is longer than its text %q", w, s)
			}
		}
	})
}
