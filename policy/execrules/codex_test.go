package execrules

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// differs are texts where proctor refuses what Codex takes, or the other way round, on purpose.
var differs = map[string]string{
	"host_executable('a', ['~/a'])":                            "a path below the home folder is taken, as the reference says",
	"def f(x: str) -> str:\n  return x\nprefix_rule([f('a')])": "no annotations",
	"x: int = 1\nprefix_rule(['a'])":                           "no annotations",
}

// The rules language is that of Codex: the same files are taken or refused, and what is printed is the same, byte for byte.
// PROCTOR_CODEX names the native codex program, PROCTOR_CODEX_CASES how many cases are generated.
func TestCodexAgrees(t *testing.T) {
	codex := os.Getenv("PROCTOR_CODEX")
	if codex == "" {
		t.Skip("PROCTOR_CODEX is not set: it names the codex program to compare with")
	}
	c := comparison{codex: codex, dir: t.TempDir()}
	for _, text := range curated {
		for _, argv := range [][]string{{"a", "b", "c"}, {"/usr/bin/a", "b"}} {
			c.run(t, text, argv, true)
		}
	}
	n, err := strconv.Atoi(os.Getenv("PROCTOR_CODEX_CASES"))
	if err != nil {
		n = 50
	}
	g := generator{rand.New(rand.NewPCG(uint64(n), 7))}
	for range n {
		text, argv := g.file(), g.argv()
		if strings.Contains(text, "host_executable") && strings.Contains(argv[0], "./") { // a list allows only plain paths here, see byBaseName
			argv[0] = "/usr/./bin//git"
		}
		c.run(t, text, argv, g.IntN(2) == 0)
	}
}

type comparison struct{ codex, dir string }

func (c comparison) run(t *testing.T, text string, argv []string, resolve bool) {
	t.Helper()
	path := filepath.Join(c.dir, "t.rules")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"execpolicy", "check", "--rules", path}
	if resolve {
		args = append(args, "--resolve-host-executables")
	}
	cmd := exec.Command(c.codex, append(append(args, "--"), argv...)...)
	cmd.Env = append(os.Environ(), "CODEX_HOME="+c.dir)
	theirs, err := cmd.Output()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	if err != nil {
		theirs = []byte("refused\n")
	}
	ours := []byte("refused\n")
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	rules, refused := Parse([]File{{Name: "t.rules", Text: text}})
	if refused == nil {
		ours = append(rules.Check(argv, Options{ResolveHostExecutables: resolve, Home: os.Getenv("HOME"), Cwd: cwd}).Report(false), '\n')
	}
	if why := differs[text]; !bytes.Equal(ours, theirs) && why == "" {
		t.Errorf("%s\n%q resolve %v\nours   %s (%v)\ntheirs %s", text, argv, resolve, ours, refused, theirs)
	} else if bytes.Equal(ours, theirs) && why != "" {
		t.Errorf("%s\nis listed as a difference (%s), but is none", text, why)
	}
}

// curated texts are the corners of the language.
var curated = []string{
	"prefix_rule(['a'])", "prefix_rule(('a', 'b'))", "prefix_rule([('a', 'x')])", "prefix_rule([['a'], ['b', 'c']])", "prefix_rule(pattern=['a'], decision='')",
	"prefix_rule(['a'], decision=None)", "prefix_rule(['a'], match=None)", "prefix_rule(['a'], not_match=None)", "prefix_rule(['a'], justification=None)",
	"prefix_rule(['a'], 'prompt', ['a'])", "prefix_rule(['a'], 'prompt', ['a'], ['b'], 'j')", "prefix_rule(['a'], justification='')", "prefix_rule(['a'], justification=' x ')",
	"prefix_rule(['a'], justification='\\n\\t\\u2028\\x7f\\u00e9<&>')", "prefix_rule(['a'], match=[])", "prefix_rule(['a'], match=['a', ['a']])", "prefix_rule(['a'], match=('a',))",
	"prefix_rule(['a'], match='a')", "prefix_rule(['a'], match=[[]])", "prefix_rule(['a'], match=['# x'])", "prefix_rule(['a'], match=['a # x'])", "prefix_rule(['a', 'b'], match=['a #'])",
	"prefix_rule(['a', '#x'], match=['a #x'])", "prefix_rule(['a', 'x#y'], match=['a x#y'])", "prefix_rule(['a', ''], match=[\"a ''\"])", "prefix_rule(['a','b'], match=['a\\tb', 'a\\nb'])",
	"prefix_rule(['a','b'], match=['a\\rb'])", "prefix_rule(['a','b'], match=['a\\x0bb'])", "prefix_rule(['a','b c'], match=['a b\\\\ c'])", "prefix_rule(['a','b'], match=['a \\\\\\nb'])",
	"prefix_rule(['a','b$c'], match=['a \"b\\\\$c\"'])", "prefix_rule(['a','b\\\\c'], match=['a \"b\\\\c\"'])", "prefix_rule(['a','$x'], match=['a $x', 'a \"$x\"'])", "prefix_rule(['a', '*'], match=['a *'])",
	"prefix_rule(['a'], match=['a;b'])", "prefix_rule(['a;b'], match=['a;b'])", "prefix_rule(['a'], match=['/x/a', './a'])", "prefix_rule(['a'], match=['a/'])", "prefix_rule(['/x/a'], match=['a'])",
	"prefix_rule(['a'], not_match=['/x/a'])", "prefix_rule(['a'], match=['/x/a'])\nhost_executable('a', ['/y/a'])", "host_executable('a', ['/y/a'])\nprefix_rule(['a'], not_match=['/x/a'])",
	"host_executable('a', ['/usr/bin/a', '/usr/bin/a'])\nprefix_rule(['a'])", "host_executable(name='a', paths=['/usr/./bin/a'])\nprefix_rule(['a'])", "host_executable('a', ['/usr/x/../bin/a'])\nprefix_rule(['a'])",
	"host_executable('a', ('/usr/bin/a',))", "host_executable('', [])", "host_executable('a', [1])", "host_executable('a', '/usr/bin/a')", "host_executable('a')", "host_executable('a', ['/usr/bin/a/'])", "host_executable('.', [])",
	"host_executable('a b', ['/usr/bin/a b'])", "host_executable('A', ['/usr/bin/a'])", "host_executable('a.exe', ['/usr/bin/a.exe'])", "host_executable('a\\\\b', [])", "host_executable('a', ['~/a'])", "host_executable('a', ['~'])", "host_executable('a', ['~root/a'])",
	"host_executable('..', ['/..'])", "host_executable(' a', ['/x/ a'])", "host_executable('a', None)", "host_executable('a', [''])", "host_executable('a', ['a'])", "host_executable('a', ['/'])",
	"x = f'{1}'", "x = f'{a.b}'", "a = 'b'\nx = f'{a!r}'", "a = 'b'\nx = f'{a:>3}'", "a = 'a'\nprefix_rule([f'{a}'])", "a = 'a'\nprefix_rule([f\"{a}\" + 'b'])", "a='a'\nprefix_rule([f'''{a}'''])", "a='a'\nx=f'{{{a}}}'\nprefix_rule(['a'], justification=x)",
	"a='a'\nx=f'{ a }'", "x = f''\nprefix_rule(['a'])", "x = F'{a}'", "a=1\nprefix_rule(['a'], justification=f'{a}')", "a=['q']\nprefix_rule(['a'], justification=f'{a}')", "a = 'x'\nb = rf'\\{a}'",
	"x = fr'{1}\\d'\nprefix_rule(['a'], justification=x)", "x = '\\.\\d'\nprefix_rule(['a'], justification=x)", "x = f'{\"a\" + str(1)}{[1][0]}{None}{True!r}'\nprefix_rule(['a'], justification=x)", "x = f'{}'", "x = f'{1, 2}'\nprefix_rule(['a'], justification=x)", "x = f'a}'", "x = f'{{'\nprefix_rule(['a'], justification=x)", "x = f'{ {1: 2}[1] }'\nprefix_rule(['a'], justification=x)", "x = f'{\"a\"!r}'\nprefix_rule(['a'], justification=x)", "x = f'{1 if True else 2}'\nprefix_rule(['a'], justification=x)", "x = f'\\n{1}\\x41'\nprefix_rule(['a'], justification=x)", "x = f\"\"\"a\n{1}\"\"\"\nprefix_rule(['a'], justification=x)",
	"x = b'a'", "x = 1.5", "x = 1 / 2", "x = 7 // 2\nprefix_rule(['a'])", "x = 1 if True else 2", "x = lambda y: y\nprefix_rule([x('a')])", "def f():\n  return 'a'\nprefix_rule([f()])", "def f(x: str) -> str:\n  return x\nprefix_rule([f('a')])",
	"x: int = 1\nprefix_rule(['a'])", "x: str = 1", "def f(*a, **k):\n  pass\nf(1, b=2)", "def f(*, a):\n  prefix_rule([a])\nf(a='a')", "def f(a, /, b):\n  pass", "if True:\n  prefix_rule(['a'])", "for i in range(3):\n  prefix_rule(['a'])", "while True:\n  break",
	"[prefix_rule([x]) for x in ['a', 'b']]", "x = {'a': 1}\nprefix_rule(list(x.keys()))", "x = set(['a'])", "x = {1, 2}", "x = {}\nx['a'] = 1\nprefix_rule(x.keys())", "x = struct(a=1)", "x = record(a=int)", "x = enum('a')", "x = partial(prefix_rule, ['a'])\nx()",
	"x = map(lambda y: y, ['a'])\nprefix_rule(list(x))", "x = filter(lambda y: True, ['a'])\nprefix_rule(list(x))", "x = dedupe(['a'])", "debug('a')", "print('a')", "pprint('a')", "json.encode(1)", "x = json.decode('[\"a\"]')\nprefix_rule(x)", "breakpoint()", "call_stack()", "x = typing.Any",
	"x = [1]\nx += [2]", "x = 1\nx = 2", "x, y = ['a', 'b']\nprefix_rule([x])", "x = 'a'.upper()\nprefix_rule([x.lower()])", "x = 'a b c'.split()\nprefix_rule(x)", "prefix_rule('a b'.split(' '))", "prefix_rule('a-b'.split('-', 1))", "prefix_rule(['%s' % 'a'])", "prefix_rule(['{}'.format('a')])",
	"prefix_rule(['a'][:])", "prefix_rule(['a'] * 1)", "prefix_rule(['a'] + ['b'])", "prefix_rule([x for x in 'ab'.elems()])", "prefix_rule(sorted(['b', 'a']))", "prefix_rule(list(reversed(['b', 'a'])))", "prefix_rule([str('a')])", "prefix_rule([repr('a')])", "prefix_rule([type('')])", "prefix_rule([chr(97)])",
	"prefix_rule(['a'],)", "prefix_rule(\n  ['a'], # x\n)", "prefix_rule(['a']);prefix_rule(['a', 'b'])", "\tprefix_rule(['a'])", " prefix_rule(['a'])", "prefix_rule(['a']) prefix_rule(['b'])", "\ufeffprefix_rule(['a'])", "prefix_rule(['a'])\r\nprefix_rule(['a'])\r\n", "prefix_rule(['a'])\\\n", "#", "'''doc'''", "pass", "return", "break",
	"load('a', 'b')", "fail()", "fail('x')", "prefix_rule()", "prefix_rule(['a'], pattern=['b'])", "prefix_rule(*[['a']])", "prefix_rule(**{'pattern': ['a']})", "x = prefix_rule(['a'])\nprefix_rule(['a'], justification=str(x))", "x = prefix_rule\nx(['a'])", "prefix_rule = 1", "def prefix_rule(x):\n  pass\nprefix_rule(['a'])", "True = 1", "x = None",
	"prefix_rule(['a\\nb'])", "prefix_rule(['a\\0'])", "prefix_rule(['\\x61'])", "prefix_rule(['\\u0061'])", "prefix_rule(['\\U00000061'])", "prefix_rule(['\\141'])", "prefix_rule([r'a'])", "prefix_rule(['''a'''])", "prefix_rule(['\\q'])", "prefix_rule(['\\'a'])", "prefix_rule(['a' 'b'])", "prefix_rule(['\\ud800'])",
	"prefix_rule(['a'], 'prompt ')", "prefix_rule(['a'], 'PROMPT')", "prefix_rule(['a'], 'forbid')", "prefix_rule(['a'], True)", "prefix_rule([True])", "prefix_rule([None])", "prefix_rule([[None]])", "prefix_rule([['a', 1]])", "prefix_rule(None)", "prefix_rule({'a': 1})", "prefix_rule([['a', 'a']])", "prefix_rule(['a', ['b', 'b']])", "prefix_rule([['a']], match=['a'])", "prefix_rule([['a', 'b']], match=['a'])", "prefix_rule([['a', 'b']], match=['b', 'a'], not_match=['c'])",
	"network_rule('x', 'https', 'allow')", "network_rule(host='x', protocol='https', decision='allow', justification='')", "network_rule('x', 'https', 'allow', 'j')", "network_rule('x', 'https', 'deny')", "network_rule('x', 'https', 'forbidden')", "network_rule('x', 'https', 'prompt')", "network_rule('x', 'https', 'Allow')", "network_rule('x', 'HTTPS', 'allow')", "network_rule('x', 'tcp', 'allow')",
	"network_rule('x', 'https')", "network_rule('', 'https', 'allow')", "network_rule(' ', 'https', 'allow')", "network_rule(' x ', 'https', 'allow')", "network_rule('x:443', 'https', 'allow')", "network_rule('x:', 'https', 'allow')", "network_rule(':443', 'https', 'allow')", "network_rule('x:y', 'https', 'allow')", "network_rule('x:99999', 'https', 'allow')", "network_rule('[::1]', 'https', 'allow')", "network_rule('[::1]:443', 'https', 'allow')", "network_rule('::1', 'https', 'allow')", "network_rule('[::1', 'https', 'allow')", "network_rule('[::1]x', 'https', 'allow')", "network_rule('[]', 'https', 'allow')", "network_rule('[x]', 'https', 'allow')",
	"network_rule('x.', 'https', 'allow')", "network_rule('.', 'https', 'allow')", "network_rule('..', 'https', 'allow')", "network_rule('a..b', 'https', 'allow')", "network_rule('.x', 'https', 'allow')", "network_rule('a_b', 'https', 'allow')", "network_rule('-x', 'https', 'allow')", "network_rule('x@y', 'https', 'allow')", "network_rule('x?y', 'https', 'allow')", "network_rule('x#y', 'https', 'allow')", "network_rule('x\\\\y', 'https', 'allow')", "network_rule('é', 'https', 'allow')", "network_rule('a,b', 'https', 'allow')", "network_rule('a:1:2', 'https', 'allow')", "network_rule('fe80::1%eth0', 'https', 'allow')", "network_rule('*.x', 'https', 'allow')", "network_rule('x/', 'https', 'allow')", "network_rule('http:x', 'https', 'allow')", "network_rule('x y', 'https', 'allow')", "network_rule('x\\ty', 'https', 'allow')", "network_rule('x', 'https', None)", "network_rule('x', None, 'allow')", "network_rule(1, 'https', 'allow')",
	"network_rule('x', 'http-connect', 'allow')", "network_rule('x', 'https_connect', 'allow')", "network_rule('x', 'http_connect', 'allow')", "network_rule('x', 'https-connect', 'allow')", "network_rule('x', 'socks5', 'allow')", "network_rule('x', 'socks5_tcp', 'allow')", "network_rule('x', 'socks5-udp', 'allow')", "network_rule('x', '', 'allow')", "network_rule('x', 'https', 'allow', justification=None)",
}

// generator makes files and commands from few words, so that rules overlap.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) word() string {
	return g.pick(`"git"`, `"git"`, `"push"`, `"push"`, `"status"`, `"-f"`, `"/usr/bin/git"`, `"/opt/git"`, `"./git"`, `""`, `"a b"`, `"é"`, `"Git"`, `"--"`, `1`)
}

func (g generator) element() string {
	if g.IntN(3) > 0 {
		return g.word()
	}
	return "[" + g.list(g.IntN(4), g.word) + "]"
}

func (g generator) list(n int, f func() string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = f()
	}
	return strings.Join(out, ", ")
}

func (g generator) rule() string {
	var b strings.Builder
	fmt.Fprintf(&b, "prefix_rule(pattern=[%s]", g.list(g.IntN(4), g.element))
	if g.IntN(2) == 0 {
		b.WriteString(", decision=" + g.pick(`"allow"`, `"prompt"`, `"forbidden"`, `"forbidden"`, `"deny"`))
	}
	if g.IntN(3) == 0 {
		b.WriteString(", justification=" + g.pick(`"why"`, `"a\tb \u0007 \"q\" \\"`, `" "`, `"日本"`))
	}
	if g.IntN(4) == 0 {
		b.WriteString(", match=[" + g.example() + "]")
	}
	if g.IntN(4) == 0 {
		b.WriteString(", not_match=[" + g.example() + "]")
	}
	return b.String() + ")\n"
}

func (g generator) example() string {
	return g.pick(`"git push"`, `"git 'push' -f"`, `["git"]`, `"/usr/bin/git push"`, `"git status # x"`, `["git", "push"], "git status"`, `"git \\"`, `"/opt/git"`)
}

func (g generator) file() string {
	var b strings.Builder
	for range 1 + g.IntN(4) {
		switch g.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "host_executable(name=%s, paths=[%s])\n", g.pick(`"git"`, `"git"`, `"push"`, `"/usr/bin/git"`), g.list(g.IntN(3), func() string {
				return g.pick(`"/usr/bin/git"`, `"/usr/bin/git"`, `"/opt/git"`, `"/opt//git"`, `"/opt/x"`)
			}))
		case 1:
			fmt.Fprintf(&b, "for w in [%s]:\n    %s", g.list(2, g.word), strings.Replace(g.rule(), `"git"`, "w", 1))
		default:
			b.WriteString(g.rule())
		}
	}
	return b.String()
}

func (g generator) argv() []string {
	argv := []string{g.pick("git", "git", "/usr/bin/git", "/opt/git", "./git", "../git", "/usr/bin/../bin/git", "/usr//bin/git", "Git", "git/", "/git", "")}
	for range g.IntN(4) {
		argv = append(argv, g.pick("push", "push", "status", "-f", "--", "a b", "é", "", "\u2028"))
	}
	return argv
}
