package patch

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: any text is a patch or a ParseError with a line of it; a parsed update applies to any text or says why not,
// and what it computes holds every added line.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"*** Begin Patch\n*** Update File: f\n@@ a\n b\n-c\n+d\n*** End of File\n*** End Patch",
		"*** Begin Patch\n*** Add File: x\n+1\n*** Delete File: y\n*** Update File: z\n*** Move to: w\n@@\n+1\n*** End Patch",
		"<<'EOF'\n*** Begin Patch\n*** End Patch\nEOF", "*** Begin Patch\r\n\r\n*** End Patch\r\n", "", "\n\n", "*** Begin Patch",
		"*** Begin Patch\n*** Update File: f\n\n@@\n\n a\n\n*** End Patch", "*** Begin Patch\n*** Update File: f\n@@\n@@ \n@@ x\n*** End Patch",
	} {
		f.Add(s, "a\nb\nc\r\nd")
	}
	f.Fuzz(func(t *testing.T, text, old string) {
		p, err := Parse(text)
		if err != nil {
			parse, ok := errors.AsType[*ParseError](err)
			if !ok || parse.Line < 0 || parse.Line > strings.Count(text, "\n")+2 {
				t.Fatalf("error %T %v for %d lines", err, err, strings.Count(text, "\n")+1)
			}
			return
		}
		for _, op := range p.Ops {
			now, err := op.Update.Apply("f", old)
			if err != nil {
				if _, ok := errors.AsType[*MatchError](err); !ok {
					t.Fatalf("error is %T", err)
				}
				continue
			}
			check(t, op, old, now)
		}
	})
}

func check(t *testing.T, op Op, old, now string) {
	if utf8.ValidString(old) && !utf8.ValidString(now) && utf8.ValidString(op.Content) && validLines(op) {
		t.Fatal("valid texts made an invalid one")
	}
	grow := 0
	for _, h := range op.Update.Hunks {
		for _, l := range h.Lines {
			switch l.Op {
			case '+':
				grow++
				if !strings.Contains(now, l.Text) {
					t.Fatalf("added line %q is missing", l.Text)
				}
			case '-':
				grow--
			}
		}
	}
	if got := len(splitKeep(now)) - len(splitKeep(old)); got != grow {
		t.Fatalf("file grew by %d lines, the patch by %d", got, grow)
	}
	spots, _ := op.Update.place("f", splitKeep(old))
	e := edit{op: op, existed: true, before: old, spots: spots}
	e.after = rewrite(splitKeep(old), spots)
	if text, _ := unified(&e); len(text) > 3*maxDiff || e.after != now {
		t.Fatalf("diff has %d bytes", len(text))
	}
}

func validLines(op Op) bool {
	for _, h := range op.Update.Hunks {
		for _, l := range h.Lines {
			if !utf8.ValidString(l.Text) {
				return false
			}
		}
	}
	return true
}
