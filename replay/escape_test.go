package replay

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":                "plain text",
		"\x1b[2J":                   "⟨ESC⟩[2J",
		"a\nb\r\nc\rd":              "a↵b↵c⟨U+000D⟩d",
		"\u202egpj.exe":             "⟨U+202E⟩gpj.exe",
		"a\u200b\u00adb":            "a⟨U+200B⟩⟨U+00AD⟩b",
		"\xffx\xc3(":                "⟨0xFF⟩x⟨0xC3⟩(",
		"\u009b31m\x7f":             "⟨U+009B⟩31m⟨U+007F⟩",
		"héllo 世界 ✓ �":              "héllo 世界 ✓ �",
		"e\u0301\u0301\u0301\u0301": "e\u0301\u0301\u0301⟨U+0301⟩",
		"\U000E0041\u3164":          "⟨U+E0041⟩⟨U+3164⟩",
		"a\tb\u00a0c":               "a    b⟨U+00A0⟩c",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, test := range []struct {
		in    string
		width int
		want  string
	}{{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abcde…"}, {"世界世界", 5, "世界…"}, {"世界世界", 4, "世…"}, {"x", 0, "x"}} {
		if got := fit(test.in, test.width); got != test.want {
			t.Errorf("fit(%q, %d) = %q, want %q", test.in, test.width, got, test.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a\x1b]8;;http://x\x07", "\u202e\u2066", "\xff\xfe", "\r\n\r", strings.Repeat("\u0301", 9), "\U000E0001"} {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		out := Escape(s)
		if !utf8.ValidString(out) {
			t.Fatalf("not UTF-8: %q", out)
		}
		for _, r := range out {
			if hidden(r) {
				t.Fatalf("Escape(%q) = %q keeps %U", s, out, r)
			}
		}
		if again := Escape(out); again != out {
			t.Fatalf("not stable: %q, %q", out, again)
		}
		if width = max(1, min(width, 200)); cells(fit(out, width)) > width {
			t.Fatalf("fit(%q, %d) has %d cells", out, width, cells(fit(out, width)))
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		var back, same string
		if json.Unmarshal(ascii(b), &back) != nil || json.Unmarshal(b, &same) != nil || back != same {
			t.Fatalf("ascii changes %q to %q", same, back)
		}
	})
}
