package tool

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestShownAsCodex: the numbers are those of the real CLI for "seq 1 2000" with 50 tokens, and for 3 MB of x.
func TestShownAsCodex(t *testing.T) {
	var b Buffer
	for i := range 2000 {
		_, _ = b.Write([]byte(itoa(i+1) + "\n"))
	}
	got, cut := Shown(&b, 50)
	if !cut || !strings.HasPrefix(got, "Warning: truncated output (original token count: 2224)\nTotal output lines: 2000\n\n1\n2\n") ||
		!strings.Contains(got, "\n36\n3…2174 tokens truncated…1981\n") || !strings.HasSuffix(got, "\n2000\n") {
		t.Errorf("got %q", got)
	}
	var big Buffer
	_, _ = big.Write([]byte(strings.Repeat("x", 3_000_000)))
	got, cut = Shown(&big, 10)
	if !cut || !strings.HasPrefix(got, "Warning: truncated output (original token count: 750000)\n... 1951424 bytes omitted ...\n\nxxxx") {
		t.Errorf("got %.200q", got)
	}
	if all := big.String(); len(all) != 1<<20+len("\n... 1951424 bytes omitted ...\n") {
		t.Errorf("kept %d bytes", len(all))
	}
	var small Buffer
	_, _ = small.Write([]byte("hello world and more text\n"))
	if got, _ := Shown(&small, 0); got != "Warning: truncated output (original token count: 7)\nTotal output lines: 1\n\n…7 tokens truncated…" {
		t.Errorf("got %q", got)
	}
	if got, cut := Shown(&small, 7); cut || got != "hello world and more text\n" {
		t.Errorf("got %q %v", got, cut)
	}
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return itoa(i/10) + string(rune('0'+i%10))
}

// TestTruncateLaws: within the budget, valid UTF-8, and both ends are kept.
func TestTruncateLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, tokens := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "tokens")
		got, cut := Truncate(text, tokens, 0)
		if cut != (len(text) > tokens*4) || !utf8.ValidString(got) {
			t.Fatalf("cut %v of %d bytes to %q", cut, len(text), got)
		}
		if !cut {
			return
		}
		head, rest, _ := strings.Cut(got, "…")
		_, tail, _ := strings.Cut(rest, " tokens truncated…")
		if !strings.Contains(text, "…") && (!strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) || len(head)+len(tail) > tokens*4) {
			t.Fatalf("kept %q and %q of %q with %d tokens", head, tail, text, tokens)
		}
	})
}

// TestBufferLaws: however it is written, the buffer keeps the first and last half and counts the rest.
func TestBufferLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Buffer
		var all strings.Builder
		for i := range rapid.IntRange(0, 12).Draw(t, "writes") {
			piece := strings.Repeat(string(rune('a'+i)), rapid.IntRange(0, MaxAggregated/2+100).Draw(t, "size"))
			all.WriteString(piece)
			_, _ = b.Write([]byte(piece))
		}
		s := all.String()
		if b.Total() != int64(len(s)) || b.Omitted() != int64(max(0, len(s)-MaxAggregated)) || len(b.tail) > 2*half {
			t.Fatalf("total %d, omitted %d, kept %d of %d", b.Total(), b.Omitted(), len(b.tail), len(s))
		}
		got := b.String()
		if len(s) <= MaxAggregated {
			if got != s {
				t.Fatal("text within the bound was changed")
			}
			return
		}
		if got[:half] != s[:half] || got[len(got)-half:] != s[len(s)-half:] {
			t.Fatal("an end is not kept")
		}
	})
}
