package command

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proctor/policy"
)

// dangerous commands, as words that need no quoting.
var dangerousCommands = []string{
	"rm -f f", "rm -r --force d", "/bin/rm -rf d", "git clean -fd", "git reset --hard", "git push --force origin main", "shred f", "mkfs.ext4 x", "mkfs x",
	"dd if=x of=/dev/sda", "truncate -s 0 f", "find . -delete", "find . -exec rm -f x +", "chmod -R 777 d", "rm -r /", "sudo -u x rm -f f", "wipefs -a x",
}

// lines that are harmless or not, each a whole command of a shell.
var someCommands = slices.Concat(dangerousCommands, []string{
	"ls", "cat f", "git status", "git log -1", "make test", "rm f", "git push", "find . -name x", "sed -n 1p f", "rg -n x", "uniq a b", "./ls", "curl x", "sh x.sh",
})

func draw(t *rapid.T, list []string) string { return rapid.SampledFrom(list).Draw(t, "word") }

func effective(script string) policy.Class { return Parse(bash(script)).Effective() }

var (
	texts = []string{"bash -c %", "sh -ec %", "zsh -lc %", "bash -euxc %", "bash -o pipefail -c %", "dash -c %", "su x -c %", "eval %", "env -S %", "script -qc %",
		"/bin/sh -c %", "echo % | sh", "bash <<< %", "busybox sh -c %", "trap % EXIT"}
	blocks = []string{"(%)", "{ %; }", "if a; then %; fi", "while a; do %; done", "! %", "a && %", "a; %", "% | cat", "% > x", "% &", "f() { %; }; f", "echo $(%)", "echo `%`",
		"cat <(%)", "B=$(%)", "case a in a) %;; esac", "cat <<E\n$(%)\nE", "time %", "bash <<E\n%\nE", "for x in a; do %; done"}
)

// wrapAround puts a wrapper with some of its options before a simple command.
func wrapAround(t *rapid.T, name, command string) string {
	line := []string{name}
	for _, o := range slices.Sorted(slices.Values(wrappers[name].values)) {
		if rapid.IntRange(0, 3).Draw(t, "option") == 0 {
			line = append(line, o, "1")
		}
	}
	for range wrappers[name].operands {
		line = append(line, "1")
	}
	return strings.Join(append(line, command), " ")
}

// A dangerous command stays dangerous behind any known wrapper, in any shell text and any construct, however deep.
func TestWrappingNeverHides(t *testing.T) {
	names := slices.Sorted(maps.Keys(wrappers))
	rapid.Check(t, func(t *rapid.T) {
		script, simple, nested := draw(t, dangerousCommands), true, 0
		for range rapid.IntRange(1, 5).Draw(t, "layers") {
			kind := rapid.IntRange(0, 3).Draw(t, "kind")
			switch {
			case kind == 0 && nested < 3:
				script, nested = strings.Replace(draw(t, texts), "%", quoteForTest(script), 1), nested+1
				simple = !strings.ContainsAny(script[:8], "|<") && !strings.HasPrefix(script, "echo")
			case kind == 1 && !strings.Contains(script, "`"):
				script, simple = strings.Replace(draw(t, blocks), "%", script, 1), false
			case simple:
				script = wrapAround(t, draw(t, names), script)
			}
		}
		if c := effective(script); c != policy.Dangerous {
			t.Fatalf("%q is %s", script, c)
		}
	})
}

// Quoting words in any way that leaves their values alone never lowers the class.
func TestQuotingNeverLowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := draw(t, someCommands)
		words := strings.Fields(plain)
		for n, w := range words {
			switch rapid.IntRange(0, 5).Draw(t, "quoting") {
			case 0:
				words[n] = "'" + w + "'"
			case 1:
				words[n] = `"` + w + `"`
			case 2:
				cut := rapid.IntRange(0, len(w)).Draw(t, "cut")
				words[n] = w[:cut] + `""` + w[cut:]
			case 3:
				cut := rapid.IntRange(0, len(w)-1).Draw(t, "cut")
				words[n] = w[:cut] + `\` + w[cut:]
			case 4:
				words[n] = "$'" + w + "'"
			}
		}
		quoted := strings.Join(words, " ")
		if before, after := effective(plain), effective(quoted); after.Severity() < before.Severity() {
			t.Fatalf("%q is %s, %q is %s", plain, before, quoted, after)
		}
	})
}

// One more part, before, behind or around, never lowers the class of a sequence.
func TestAddingNeverLowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom(someCommands), 1, 4).Draw(t, "parts")
		join := func(parts []string) string {
			return strings.Join(parts, draw(t, []string{" && ", " || ", "; ", " | ", "\n"}))
		}
		before := join(some)
		parts := slices.Insert(slices.Clone(some), rapid.IntRange(0, len(some)).Draw(t, "at"), draw(t, someCommands))
		after := join(parts)
		if rapid.Bool().Draw(t, "block") {
			after = strings.Replace(draw(t, blocks), "%", after, 1)
		}
		if b, a := effective(before), effective(after); a.Severity() < b.Severity() {
			t.Fatalf("%q is %s, %q is %s", before, b, after, a)
		}
	})
}
