package command

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/policy"
)

func bash(script string) []string { return []string{"bash", "-lc", script} }

func argvs(parts []policy.Part) [][]string {
	out := [][]string{}
	for _, p := range parts {
		out = append(out, p.Argv)
	}
	return out
}

// Only plain commands are split; the vector stays whole for everything else.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		script string
		want   [][]string // nil: whole
	}{
		{"ls -l", [][]string{{"ls", "-l"}}},
		{"a && b || c; d | e\nf", [][]string{{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f"}}},
		{"a 'b c' \"d e\" 12 -g'*.x' \"\"", [][]string{{"a", "b c", "d e", "12", "-g*.x", ""}}},
		{"a \"b\\.c\" {} x=y", [][]string{{"a", "b\\.c", "{}", "x=y"}}},
		{"a \\\n b", [][]string{{"a", "b"}}},
		{"ls;", [][]string{{"ls"}}},
		{"", nil}, {"# ls", nil}, {"ls # x", nil}, {"ls &", nil}, {"(ls)", nil}, {"{ ls; }", nil}, {"ls > x", nil}, {"ls 2>&1", nil},
		{"ls < x", nil}, {"cat <<E\nx\nE", nil}, {"echo $x", nil}, {"echo \"$x\"", nil}, {"echo `x`", nil}, {"echo $(x)", nil}, {"x=1 ls", nil},
		{"x=1", nil}, {"! ls", nil}, {"time ls", nil}, {"if a; then b; fi", nil}, {"a |& b", nil}, {"a; ; b", nil}, {"a &&", nil}, {"f() { a; }", nil},
		{"'ls'", nil}, {"l's'", nil}, {"\\ls", nil}, {"$'ls'", nil}, {"ls *", nil}, {"ls ~", nil}, {"ls {a,b}", nil}, {"ls a\\ b", nil}, {"[[ -f x ]]", nil},
		{"((1))", nil}, {"ls ''\"\"", nil}, {"echo $'x'", nil}, {"echo <(x)", nil}, {"export A=b", nil}, {"ls )", nil},
	} {
		p := Parse(bash(c.script))
		want := c.want
		if want == nil {
			want = [][]string{bash(c.script)}
		}
		if d := cmp.Diff(want, argvs(p.Parts)); d != "" || p.Split != (c.want != nil) {
			t.Errorf("script %q split %v: %s", c.script, p.Split, d)
		}
	}
	for _, argv := range [][]string{{"bash", "-lc", "ls", "x"}, {"bash", "-c"}, {"bash", "-x", "ls"}, {"dash", "-c", "ls"}, {"/tmp/zsh2", "-c", "ls"}} {
		if p := Parse(argv); p.Split || len(p.Parts) != 1 {
			t.Errorf("%q was split", argv)
		}
	}
}

// The spellings of a forced rm that the documented class does not see are findings, and decide as dangerous.
func TestHiddenForcedRemove(t *testing.T) {
	for _, script := range []string{
		"sudo -u root rm -rf d", "sudo -n rm -f d", "doas rm -rf d", "env -i rm -rf d", "env -u X A=b rm -f d", "command rm -rf d", "nice -n 5 rm -rf d",
		"nohup rm -rf d &", "timeout 5 rm -rf d", "timeout -k 1 5 bash -c 'rm -rf d'", "xargs rm -rf", "xargs -0 -n1 rm -f", "find . -exec rm -f {} +",
		"find . -execdir bash -c 'rm -rf \"$1\"' _ {} \\;", "\\rm -rf d", "r\\m -rf d", "$'rm' -rf d", "$'\\x72m' -rf d", "{rm,-rf,d}", "/bin/r? -rf d", "rm --for d",
		"bash -x -c 'rm -rf d'", "bash -ec 'rm -rf d' x", "dash -c 'rm -rf d'", "eval 'rm -rf d'", "eval rm -rf d", "eval \"rm\" '-rf' d", "trap 'rm -rf d' EXIT",
		"c=rm; $c -rf d", "c='rm -rf'; $c d", "watch 'rm -rf d'", "su root -c 'rm -rf d'", "busybox rm -rf d", "sudo sudo -E rm -rf d",
		"env -S 'rm -rf d'", "exec rm -rf d", "flock x rm -rf d", "stdbuf -o0 rm -f d", "setsid rm -rf d", "chroot / rm -rf d",
		"if then rm -rf d", "rm -rf d\n)", "echo 'a' | xargs -I{} sh -c 'rm -rf {}'", "ls && sudo -u x rm -rf d",
	} {
		p := Parse(bash(script))
		if p.Class() == policy.Dangerous {
			t.Errorf("%q: the documented class sees it, the table is wrong", script)
		}
		if p.Effective() != policy.Dangerous {
			t.Errorf("%q is %s, want dangerous", script, p.Effective())
		}
	}
}

// What only looks like a forced rm is not one.
func TestNotForcedRemove(t *testing.T) {
	for _, script := range []string{
		"rm d", "rm -r d", "rm -- -f", "echo 'rm -rf d'", "grep -rf pattern d", "git rm -f d", "sudo rm d", "xargs rm", "find . -name rm -type f",
		"echo rm; ls -f", "c=ls; $c -f", "rmdir -f d", "bash script.sh -f", "xargs grep -f x",
	} {
		if p := Parse(bash(script)); p.Effective() == policy.Dangerous {
			t.Errorf("%q is dangerous: %+v", script, p.Parts)
		}
	}
}

// Gaps of the documented safe list are findings, which ask under the policy untrusted.
func TestSafeGaps(t *testing.T) {
	for _, c := range []struct {
		script, code string
	}{
		{"rg -zn x", FindingOption}, {"uniq in out", FindingOption}, {"uniq -f 1 in out", FindingOption}, {"sed -n 1p -i", FindingOption},
		{"git log --outp=x", FindingOption}, {"git diff --ext", FindingOption}, {"git --git-dir=x status", FindingOption}, {"git --exec-path=/x log", FindingOption},
		{"git -p log", FindingOption}, {"./ls", FindingForeignPath}, {"/tmp/x/cat f", FindingForeignPath}, {"ls *", FindingExpansion}, {"find ~", FindingExpansion},
		{"ls a\\ b", FindingExpansion},
	} {
		p := Parse(bash(c.script))
		if p.Class() != policy.Safe || p.Effective() != policy.Ordinary || p.Parts[0].Findings[0].Code != c.code {
			t.Errorf("%q: class %s, effective %s, %+v; want safe, raised by %s", c.script, p.Class(), p.Effective(), p.Parts, c.code)
		}
	}
	for _, script := range []string{"uniq -f 1 in", "rg -n x", "git diff --stat", "git -C sub status", "/usr/bin/cat f", "sed -n 1p f", "git log --oneline"} {
		if p := Parse(bash(script)); p.Effective() != policy.Safe {
			t.Errorf("%q is %s, want safe", script, p.Effective())
		}
	}
}

// Inner commands are what forbidding rules are matched against; unknown words cut them off.
func TestInner(t *testing.T) {
	for _, c := range []struct {
		argv, want []string
	}{
		{bash("if true; then git push \"$x\" y; fi"), []string{"git", "push"}},
		{bash("sudo -u x git push"), []string{"git", "push"}},
		{bash("A=1 git push"), []string{"git", "push"}},
		{bash("\\git push"), []string{"git", "push"}},
		{[]string{"env", "A=1", "git", "push"}, []string{"git", "push"}},
		{[]string{"timeout", "-k", "1", "5", "git", "push"}, []string{"git", "push"}},
		{[]string{"find", ".", "-exec", "git", "push", ";"}, []string{"git", "push", ";"}},
		{[]string{"bash", "-c", "sh -c 'git push'"}, []string{"git", "push"}},
	} {
		found := false
		for _, argv := range argvs(Parse(c.argv).Inner) {
			found = found || cmp.Equal(argv, c.want)
		}
		if !found {
			t.Errorf("%q holds %q, not %q", c.argv, argvs(Parse(c.argv).Inner), c.want)
		}
	}
}

// Input beyond the bounds is dangerous, never skipped, and costs a bounded time.
func TestBounds(t *testing.T) {
	nested := "rm -rf d"
	for range maxDepth + 2 {
		nested = "bash -xc " + quoteForTest(nested)
	}
	for name, argv := range map[string][]string{
		"long script":      bash("echo " + strings.Repeat("a", MaxScript)),
		"many words":       make([]string, MaxWords+1),
		"many brackets":    bash(strings.Repeat("$(", maxOpeners+1)),
		"nested shells":    bash(nested),
		"many commands":    bash("(" + strings.Repeat("a\n", maxInner+1) + ")"),
		"many evals":       bash(strings.Repeat("eval ", 20_000)),
		"many pipes":       bash(strings.Repeat("sh|", 50_000) + "sh > x"),
		"nested functions": bash(strings.Repeat("f() { f & f & ", 4000) + strings.Repeat("}; ", 4000)),
		"wrappers nested":  append(strings.Fields(strings.Repeat("sudo -u x find xargs ", 500)), "ls"),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if p := Parse(argv); p.Effective() != policy.Dangerous {
				t.Errorf("class is %s, want dangerous", p.Effective())
			}
			if took := time.Since(start); took > 40*time.Second { // half a second alone on a machine; a reader that is quadratic needs minutes
				t.Errorf("took %s", took)
			}
		})
	}
	for _, deep := range []string{"(", "{ ", "if ", "while ", "! ", "time ", "a|", "a&&", "case x in x) "} {
		Parse(bash(strings.Repeat(deep, maxOpeners))) // must not overflow the stack
	}
}

func quoteForTest(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Any vector is classified without panic; safe is only what holds nothing but known-safe commands.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"ls", "git log -p | head -3", "rm -rf d", "sudo -u x xargs rm -f", "eval \"$(echo rm) -f\"", "cat <<E\n$(rm -f x)\nE",
		"$'\\x72\\u006d' {a,b} ~/x", "f() { a; }; f", "case x in y) z;; esac", "a=(1 2) b[1]=2 c", "find . -exec sh -c 'rm -f \"$0\"' {} \\;", "((1+(2)))", "=rm -f x"} {
		f.Add("bash", "-lc", s)
		f.Add("env", "A=1", s)
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		argv := []string{a, b, c}
		p := Parse(argv)
		if p.Class() != Classify(argv) || len(p.Parts) == 0 {
			t.Fatalf("unstable answer for %q", argv)
		}
		if p.Effective().Severity() < p.Class().Severity() {
			t.Fatalf("findings lower the class of %q", argv)
		}
		for _, part := range p.Parts {
			if part.Class == policy.Safe && len(part.Findings) == 0 && !p.Split && !knownSafe(part.Argv) {
				t.Fatalf("%q is safe without being on the list", part.Argv)
			}
		}
	})
}
