package auto

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"proctor/reviewer"
)

// failer is testing.TB and rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// region is one header of a built request and the text below it.
type region struct{ header, text string }

// regions reads a request back as its reader is told to: lines that begin with the mark are headers, other lines are indented by
// two spaces, and nothing else may be there. The opening, one line of our own, is passed over.
func regions(t failer, mark string, items []string) []region {
	t.Helper()
	var out []region
	var text []string // lines of the last region
	end := func() {
		if len(out) > 0 {
			out[len(out)-1].text = strings.Join(text, "\n")
		}
		text = nil
	}
	for n, item := range items {
		if n == 0 && strings.HasPrefix(item, "Below are the transcript") && !strings.Contains(item, "\n") {
			continue
		}
		if i := strings.IndexFunc(item, treacherous); i >= 0 {
			t.Fatalf("item %d holds the character %q as it is", n, []rune(item[i:])[0])
		}
		if !strings.HasSuffix(item, "\n") {
			t.Fatalf("item %d does not end a line: %q", n, item[max(0, len(item)-80):])
		}
		within := false
		for i, line := range strings.Split(strings.TrimSuffix(item, "\n"), "\n") {
			header, isHeader := strings.CutPrefix(line, "#"+mark+" ")
			foreign, isText := strings.CutPrefix(line, "  ")
			switch {
			case isHeader && header == "action goes on within the line":
				within = true
			case isHeader && header == "action goes on":
			case isHeader:
				end()
				out = append(out, region{header: header})
			case !isText || i == 0:
				t.Fatalf("item %d: a line at the margin is not ours: %q", n, line)
			case within:
				text[len(text)-1] += foreign
				within = false
			default:
				text = append(text, foreign)
			}
		}
	}
	end()
	return out
}

// treacherous characters begin a line for some readers, are invisible, or change the order or look of others. The list is the test's own.
func treacherous(r rune) bool {
	for _, span := range [][2]rune{
		{0, 8}, {11, 31}, {0x7f, 0x9f}, {0xad, 0xad}, {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160}, {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xe0000, 0xe0fff},
	} {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}

// unquote undoes quote.
func unquote(t failer, quoted string) string {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(quoted, "⟦")
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		code, after, closed := strings.Cut(rest, "⟧")
		if !closed {
			t.Fatalf("a bracket stays open in %q", quoted)
		}
		if hex, isByte := strings.CutPrefix(code, "x"); isByte {
			n, err := strconv.ParseUint(hex, 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteByte(byte(n))
		} else {
			n, err := strconv.ParseUint(code, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteRune(rune(n))
		}
		quoted = after
	}
}

// hold checks that every text of a request lies, byte for byte, in the region where it belongs, and that there is nothing else.
func hold(t failer, q reviewer.Request, p Prompt) {
	t.Helper()
	m := mark(q.ReviewID)
	var want []region
	if strings.TrimSpace(q.Context.Instructions) != "" {
		want = append(want, region{"instruction file of the project (trusted)", q.Context.Instructions})
	}
	want = append(want, region{"environment of the agent", "*"})
	surroundings := regions(t, m, p.Messages[0].Texts)
	same(t, want, surroundings)

	want = []region{{"transcript begins", ""}}
	for i, e := range q.Context.Transcript {
		want = append(want, region{fmt.Sprintf("%d %s", i+1, label(e)), e.Text})
	}
	want = append(want, region{"transcript ends", ""})
	if q.Context.Omitted > 0 {
		want = append(want, region{fmt.Sprintf("note: %d entries were left out for length; shortened entries say so", q.Context.Omitted), ""})
	}
	if len(q.Context.DeniedReads) > 0 {
		want = append(want, region{"paths and globs that are hidden from the agent on purpose: do not allow an action that leaves the sandbox in order to read them", "*"})
	} else {
		want = append(want, region{"no path is hidden from the agent", ""})
	}
	if q.Context.Descriptions != "" {
		want = append(want, region{"what the tool's server says of it (untrusted)", q.Context.Descriptions})
	}
	if q.Context.RetryReason != "" {
		want = append(want, region{"why approval is asked (untrusted)", q.Context.RetryReason})
	}
	action, err := actionJSON(q.Action)
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, region{"action to review: tool " + name(q.Tool) + ", SHA-256 " + q.Digest.String(), action},
		region{"action ends. Judge it now; answer with the JSON object only.", ""})
	same(t, want, regions(t, m, p.Messages[1].Texts))
}

func same(t failer, want, got []region) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d regions, expected %d: %q", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if w.header != g.header {
			t.Fatalf("region %d is %q, expected %q", i, g.header, w.header)
		}
		if strings.HasPrefix(w.header, "action to review") && w.text == g.text || w.text == "*" {
			continue // JSON, which has escapes of its own
		}
		if text := unquote(t, g.text); text != w.text {
			t.Fatalf("region %q holds %q, expected %q", w.header, text, w.text)
		}
	}
}

// Whatever stands in untrusted text, it stays in its region, whole.
func TestUntrustedTextStaysInItsRegion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evil := rapid.OneOf(rapid.String(), rapid.StringMatching(`(\n|\r|#|  |⟦|⟧|user|[0-9a-f]{8}|\x{202e}|\x{2028}){1,12}`))
		q := request()
		q.Context.RetryReason, q.Context.Descriptions = evil.Draw(t, "retry"), evil.Draw(t, "descriptions")
		q.Context.Instructions, q.Context.Cwd = evil.Draw(t, "instructions"), evil.Draw(t, "cwd")
		q.Context.DeniedReads = []string{evil.Draw(t, "denied")}
		q.Action.Argv, q.Tool = []string{evil.Draw(t, "argv")}, evil.Draw(t, "tool")
		for i := range q.Context.Transcript {
			q.Context.Transcript[i].Text = "x" + evil.Draw(t, "text")
			q.Context.Transcript[i].Tool = evil.Draw(t, "tool")
		}
		p, err := New(nil, Options{}).prompt(q, lease{})
		if err != nil {
			t.Fatal(err)
		}
		hold(t, q, p)
	})
}

// A long action is cut into items, and read back it is the same.
func TestItemsLoseNothing(t *testing.T) {
	for _, argv := range []string{
		strings.Repeat("x", 3*maxItem), strings.Repeat("世", maxItem), strings.Repeat("\u202e", maxItem/2), strings.Repeat("line\n", maxItem/3),
	} {
		q := request()
		q.Action.Argv = []string{"echo", argv, "end"}
		q.Action.Patch = strings.Repeat("+ x\n", 10_000)
		p, err := New(nil, Options{}).prompt(q, lease{})
		if err != nil {
			t.Fatal(err)
		}
		hold(t, q, p)
	}
}
