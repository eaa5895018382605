package auto

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proctor/event"
	"proctor/reviewer"
)

// transcript makes entries from letters: u user, a assistant, c call, r result.
func transcript(letters string, size int) []event.TranscriptEntry {
	roles := map[rune]string{'u': event.RoleUser, 'a': event.RoleAssistant, 'c': event.RoleCall, 'r': event.RoleResult, 'p': event.RoleApproval}
	var out []event.TranscriptEntry
	for _, l := range letters {
		out = append(out, event.TranscriptEntry{Role: roles[l], Text: strings.Repeat(string(l), size)})
	}
	return out
}

func numbers(chosen []shown) (out []int) {
	for _, s := range chosen {
		out = append(out, s.number)
	}
	return out
}

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		name, letters string
		size          int
		b             Budget
		want          []int
		left          int
	}{
		{"all fit", "uacr", 40, Budget{}, []int{1, 2, 3, 4}, 0},
		{"first and latest of the user, then the newest", "uuuuu", 400, Budget{Messages: 300}, []int{1, 4, 5}, 2},
		{"user before agent", "aaua", 400, Budget{Messages: 200}, []int{3, 4}, 2},
		{"tools have their own budget", "urrr", 400, Budget{Messages: 100, Tools: 200}, []int{1, 3, 4}, 1},
		{"the newest forty of the rest", "u" + strings.Repeat("c", 50), 4, Budget{}, append([]int{1}, upTo(12, 51)...), 10},
		{"no user at all", "aa", 4, Budget{}, []int{1, 2}, 0},
		{"an approval is the user's", "uap", 400, Budget{Messages: 200}, []int{1, 3}, 1},
	} {
		chosen, left := choose(number(transcript(test.letters, test.size)), test.b)
		if diff := cmp.Diff(test.want, numbers(chosen)); diff != "" || left != test.left {
			t.Errorf("%s: left %d %s", test.name, left, diff)
		}
	}
	// An entry that is too large is skipped, and a smaller older one still fits.
	entries := transcript("ura", 40)
	entries[1].Text = strings.Repeat("x", 4000)
	chosen, _ := choose(number(append(transcript("r", 40), entries...)), Budget{Tools: 50})
	if diff := cmp.Diff([]int{1, 2, 4}, numbers(chosen)); diff != "" {
		t.Error(diff)
	}
}

func upTo(from, to int) (out []int) {
	for i := from; i <= to; i++ {
		out = append(out, i)
	}
	return out
}

func TestChooseKeepsItsBudgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.SampledFrom([]rune("uacrp")), 0, 80, -1).Draw(t, "letters")
		entries := transcript(letters, 1)
		for i := range entries {
			entries[i].Text = strings.Repeat("é", rapid.IntRange(0, 3000).Draw(t, "size"))
		}
		b := Budget{Messages: 3000, Tools: 2000, Message: 700, Tool: 300, Recent: 10}
		chosen, left := choose(number(entries), b)
		var messages, tools, others, last int
		for _, s := range chosen {
			cost := tokens(s.Text)
			if s.Role == event.RoleCall || s.Role == event.RoleResult {
				tools += cost
				cost -= b.Tool
			} else {
				messages += cost
				cost -= b.Message
			}
			if !reviewer.Trusted(s.TranscriptEntry) {
				others++
			}
			if cost > 0 || s.number <= last || !utf8.ValidString(s.Text) {
				t.Fatalf("entry %d: %d tokens too many, after %d", s.number, cost, last)
			}
			last = s.number
		}
		if messages > b.Messages || tools > b.Tools || others > b.Recent || left+len(chosen) != len(entries) {
			t.Fatalf("messages %d, tools %d, others %d, left %d", messages, tools, others, left)
		}
	})
}

func TestShortenMarksTheCut(t *testing.T) {
	text := strings.Repeat("head ", 1000) + strings.Repeat("tail ", 1000)
	got := shorten(text, 200)
	if tokens(got) > 200 || !strings.HasPrefix(got, "head head") || !strings.HasSuffix(got, "tail ") || !strings.Contains(got, "⟦about 23") {
		t.Errorf("%d tokens: %q", tokens(got), got)
	}
	if shorten("short", 2) != "short" {
		t.Error("a text that fits was cut")
	}
}

func FuzzShorten(f *testing.F) {
	f.Add("abc", 1)
	f.Add("世界世界", 4)
	f.Add("\xff\xff\x80\u202e\x80\x80\x80\x80⟦\x80", 3)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(4, min(size, 1000))
		quoted := quote(text)
		if got := unquote(t, quoted); got != text || !utf8.ValidString(quoted) {
			t.Fatalf("quote(%q) = %q, which is %q", text, quoted, got)
		}
		s := shorten(quoted, size)
		if !utf8.ValidString(s) || tokens(s) > max(size, tokens(cutMark(len(quoted)))) {
			t.Fatalf("shorten(%q, %d) = %q", quoted, size, s)
		}
		if head, tail, cut := strings.Cut(s, "\n⟦about"); cut {
			if _, tail, _ = strings.Cut(tail, "⟧\n"); !strings.HasPrefix(text, unquote(t, head)) || !strings.HasSuffix(text, unquote(t, tail)) {
				t.Fatalf("shorten(%q, %d) = %q", quoted, size, s)
			}
		}
	})
}
