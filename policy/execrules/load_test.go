package execrules

import (
	"errors"
	"strings"
	"testing"

	"proctor/policy"
)

// What a rules file may say, and what the rules then decide.
func TestLanguage(t *testing.T) {
	for _, c := range []struct {
		name, text, command string
		want                policy.Outcome
	}{
		{"for over a list", "for c in ['ls', 'pwd']:\n    prefix_rule([c])", "pwd x", policy.Allow},
		{"function with default", "def deny(p, d = 'forbidden'):\n    prefix_rule(p, decision = d)\ndeny(['dd'])", "dd if=x", policy.Forbid},
		{"comprehension", "[prefix_rule([a, 'x'], 'prompt') for a in ('p', 'q') if a != 'q']", "p x", policy.Prompt},
		{"reassigned global", "x = ['a']\nx += ['b']\nprefix_rule(x)", "a b c", policy.Allow},
		{"f-string", "tool = 'git'\nprefix_rule([f\"{tool}\", f'p{tool}{{}}'])", "git pgit{}", policy.Allow},
		{"text that looks like an f-string", "prefix_rule(['af\"x\"']) # f\"{y}\"", `af"x"`, policy.Allow},
		{"conditional expression", "prefix_rule(['a'], 'prompt' if 1 < 2 else 'allow')", "a", policy.Prompt},
		{"keyword unpacking", "prefix_rule(**{'pattern': ['a'], 'decision': 'prompt'})", "a", policy.Prompt},
		{"f-string with expressions", "t = 'git'\nprefix_rule([f'{t}', f'{t + \"x\"}-{ len([1, 2]) }{t!r}{ {1: 2}[1] }', fr'\\d{t}'])", `git gitx-2"git"2 \dgit`, policy.Allow},
		{"backslash that begins no escape", "prefix_rule(['a', '\\.', f'\\d'])", `a \. \d`, policy.Allow},
		{"host that is no name", "network_rule('x:y', 'https', 'allow')\nprefix_rule(['a'])", "a", policy.Allow},
		{"alternatives for the first word", "prefix_rule([['a', 'b'], 'c'])", "b c", policy.Allow},
		{"case matters", "prefix_rule(['Git'])", "git", ""},
		{"strictest of several", "prefix_rule(['a'], 'forbidden')\nprefix_rule(['a', 'b'])", "a b", policy.Forbid},
		{"examples", "prefix_rule(['git', 'log'], match=['git log -1', ['/usr/bin/git', 'log']], not_match=['git push', ['git']])", "git log", policy.Allow},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := Parse([]File{{Name: "t.rules", Text: c.text}})
			if err != nil {
				t.Fatal(err)
			}
			if got := rules.Check(strings.Fields(c.command), Options{}).Decision; got != c.want {
				t.Errorf("decision for %q is %q, want %q", c.command, got, c.want)
			}
		})
	}
}

// A refused file names file, line and column of the cause.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, text, at string }{
		{"unknown decision", "\nprefix_rule(['a'], 'deny')", "t.rules:2:12:"},
		{"upper case decision", "prefix_rule(['a'], 'Allow')", "t.rules:1:12:"},
		{"empty pattern", "prefix_rule([])", "t.rules:1:12:"},
		{"empty alternatives", "prefix_rule([[]])", "t.rules:1:12:"},
		{"nested alternatives", "prefix_rule([['a', ['b']]])", "t.rules:1:12:"},
		{"blank justification", "prefix_rule(['a'], justification=' ')", "t.rules:1:12:"},
		{"open quote in an example", "prefix_rule(['a'], match=[\"a 'b\"])", "t.rules:1:12:"},
		{"empty example", "prefix_rule(['a'], match=[''])", "t.rules:1:12:"},
		{"empty list example", "prefix_rule(['a'], not_match=[[]])", "t.rules:1:12:"},
		{"example of another rule", "prefix_rule(['a'], match=['b'])\nprefix_rule(['b'])", "t.rules:1:12:"},
		{"not_match example that matches", "x = 1\nprefix_rule(['a'], not_match=['b', 'a c'])", "t.rules:2:12:"},
		{"syntax", "x = 1\nprefix_rule(['a'", "t.rules:2:"},
		{"unknown name", "x = y", "t.rules:1:5:"},
		{"column behind an f-string", "a = 'q'\nb = [f'{a}', zz]", "t.rules:2:14:"},
		{"column behind an escape", "x = 1\nb = ['\\.', zz]", "t.rules:2:12:"},
		{"f-string that breaks out", "a = f'{1), b=(2}'", "t.rules:1:"},
		{"f-string with two expressions", "a = f'{1, 2}'", "t.rules:1:"},
		{"f-string with a format", "a = 1\nb = f'{a:>3}'", "t.rules:2:"},
		{"f-string without expression", "b = f'{}'", "t.rules:1:"},
		{"none is no decision", "prefix_rule(['a'], None)", "t.rules:1:12:"},
		{"none is no example", "prefix_rule(['a'], match=None)", "t.rules:1:12:"},
		{"none is no justification", "prefix_rule(['a'], justification=None)", "t.rules:1:12:"},
		{"print", "x = 1\nprint('a')", "t.rules:2:6:"},
		{"set", "x = set(['a'])", "t.rules:1:5:"},
		{"load", "load('x.rules', 'y')", "t.rules:1:"},
		{"fail", "fail('no')", "t.rules:1:5:"},
		{"while", "while True:\n    pass", "t.rules:1:"},
		{"recursion", "def f():\n    f()\nf()", "t.rules:2:"},
		{"relative host path", "host_executable('git', ['bin/git'])", "t.rules:1:16:"},
		{"other base name", "host_executable('git', ['/bin/hg'])", "t.rules:1:16:"},
		{"path as name", "host_executable('/bin/git', ['/bin/git'])", "t.rules:1:16:"},
		{"network wildcard", "network_rule('*.x', 'https', 'allow')", "t.rules:1:13:"},
		{"network scheme", "network_rule('https://x', 'https', 'allow')", "t.rules:1:13:"},
		{"network blank", "network_rule('a b', 'https', 'allow')", "t.rules:1:13:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]File{{Name: "ok.rules", Text: "prefix_rule(['x'])"}, {Name: "t.rules", Text: c.text}})
			if err == nil {
				t.Fatal("the file was accepted")
			}
			if _, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(err.Error(), c.at) {
				t.Errorf("got error %q, want one at %s", err, c.at)
			}
		})
	}
}

// A hostile file is refused at a bounded cost.
func TestBounds(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"endless loop", "for i in range(10000):\n    for j in range(10000):\n        pass"},
		{"long string", "x = 'a' * (1 << 30)"},
		{"doubled string", "x = 'a'\nfor i in range(60):\n    x = x + x"},
		{"doubled list in place", "x = [1]\nfor i in range(60):\n    x += x"},
		{"extended list", "x = [1]\nfor i in range(60):\n    x.extend(x)"},
		{"list of a range", "list(range(1 << 40))"},
		{"any over a range", "any(range(0, 1 << 40, 1))"},
		{"unpacked range", "max(*range(1 << 40))"},
		{"shared structure printed", "x = 'ab'\nfor i in range(60):\n    x = [x, x]\nstr(x)"},
		{"shared structure compared", "x, y = [1], [1]\nfor i in range(60):\n    x, y = [x, x, x, x, x, x], [y, y, y, y, y, y]\nx == y"},
		{"shared tuple as key", "x = (1,)\nfor i in range(60):\n    x = (x, x)\n{x: 1}"},
		{"replace", "x = 'a' * 60000\nx.replace('a', x)"},
		{"join", "('a' * 60000).join(['b'] * 10000)"},
		{"format", "('{0}' * 5000).format('a' * 100000)"},
		{"percent", "('%s' * 5000) % tuple(['a' * 1000] * 5000)"},
		{"big number", "x = 3\nfor i in range(60):\n    x = x * x"},
		{"many slices", "x = [0] * 10000\ny = {}\nfor i in range(10000):\n    y[i] = x[:]"},
		{"many strings kept", "y = {}\nfor i in range(10000):\n    y[i] = 'a' * 60000"},
		{"deep nesting", "x = " + strings.Repeat("[", 100_000)},
		{"many rules", "for i in range(10000):\n    for j in [1, 2, 3]:\n        prefix_rule([str(i)])"},
		{"long word", "prefix_rule(['" + strings.Repeat("a", maxWordSize+1) + "'])"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse([]File{{Name: "t.rules", Text: c.text}}); err == nil {
				t.Error("the file was accepted")
			} else {
				t.Log(err)
			}
		})
	}
}
