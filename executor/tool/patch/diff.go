package patch

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDiff bounds a unified diff in bytes (proctor.file_change).
const maxDiff = 64 << 10

const noNewline = "\\ No newline at end of file\n"

// diff is built line by line up to maxDiff.
type diff struct {
	b   strings.Builder
	cut bool
}

// unified is the diff of one edit: the hunks of an update, or all lines of an added or deleted file.
// It reports whether it was cut. Content that is not UTF-8 gives no lines.
func unified(e *edit) (string, bool) {
	d := &diff{}
	from, to := "a"+e.from, "b"+e.to
	if !e.existed {
		from = "/dev/null"
	}
	if e.op.Kind == Delete {
		to = "/dev/null"
	}
	d.line("--- " + from + "\n")
	d.line("+++ " + to + "\n")
	before := splitKeep(e.before)
	if e.op.Kind == Change {
		d.hunks(before, e.spots)
	} else if utf8.ValidString(e.before) {
		d.hunk(0, 0, marked('-', before), marked('+', splitKeep(e.after)))
	}
	return strings.ToValidUTF8(d.b.String(), "\uFFFD"), d.cut
}

// hunks writes the hunks of an update with the line numbers they got.
func (d *diff) hunks(before []string, spots []placed) {
	shift := 0
	for _, s := range spots {
		var body []string
		at, added := s.at, s.added
		for i, l := range s.Lines {
			if l.Op == '+' {
				body = append(body, "+"+added[0])
				added = added[1:]
				continue
			}
			old := before[at]
			at++
			if l.Op == '-' {
				body = append(body, marked('-', []string{old})...)
			} else {
				body = append(body, kept(old, i < len(s.Lines)-1)...)
			}
		}
		if s.at == len(before) && len(before) > 0 && ending(before[s.at-1]) == "" { // appended below an open last line
			s.at--
			body = append(kept(before[s.at], true), body...)
		}
		shift += d.hunk(s.at, s.at+shift, body, nil)
	}
}

// kept is a line of context; an open last line gets its line ending when more follows.
func kept(old string, more bool) []string {
	if ending(old) == "" && more {
		return []string{"-" + old + "\n", noNewline, "+" + old + "\n"}
	}
	return marked(' ', []string{old})
}

func marked(op byte, lines []string) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		if ending(l) == "" {
			out = append(out, string(op)+l+"\n", noNewline)
		} else {
			out = append(out, string(op)+l)
		}
	}
	return out
}

// hunk writes a heading and the lines; start and at are the lines in front of it in the old and new file.
// It returns by how many lines the new file grew.
func (d *diff) hunk(start, at int, parts ...[]string) int {
	var old, now int
	for _, part := range parts {
		for _, l := range part {
			switch l[0] {
			case ' ':
				old, now = old+1, now+1
			case '-':
				old++
			case '+':
				now++
			}
		}
	}
	if old+now == 0 {
		return 0
	}
	d.line(fmt.Sprintf("@@ -%s +%s @@\n", span(start, old), span(at, now)))
	for _, part := range parts {
		for _, l := range part {
			d.line(l)
		}
	}
	return now - old
}

// span is a range of a hunk heading; an empty one names the line in front of it.
func span(before, n int) string {
	if n > 0 {
		before++
	}
	return fmt.Sprintf("%d,%d", before, n)
}

func (d *diff) line(s string) {
	if d.cut || d.b.Len()+len(s) > maxDiff {
		d.cut = true
		return
	}
	d.b.WriteString(s)
}
