package app

import (
	"os/exec"
	"testing"

	"pgregory.net/rapid"
)

func TestQuoteCommand(t *testing.T) {
	for want, argv := range map[string][]string{
		`/bin/bash -lc 'echo oops >&2; exit 7'`: {"/bin/bash", "-lc", "echo oops >&2; exit 7"},
		`bash -lc "printf 'l1\\\\n'"`:           {"bash", "-lc", `printf 'l1\\n'`},
		`bash -c 'it'\''s over!'`:               {"bash", "-c", "it's over!"},
		`echo '' a=b`:                           {"echo", "", "a=b"},
		"echo \"'\\$HOME' \\`id\\` \\\"x\\\"\"": {"echo", "'$HOME' `id` \"x\""},
	} {
		if got := quoteCommand(argv); got != want {
			t.Errorf("%q: got %s, want %s", argv, got, want)
		}
	}
}

// What is shown can be pasted: a shell reads back the same words.
func TestAShellReadsBackWhatWasQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "word")
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+quoteWord(word)).Output()
		if err != nil || string(out) != word {
			t.Fatalf("%q was quoted as %s, the shell read %q, %v", word, quoteWord(word), out, err)
		}
	})
}
