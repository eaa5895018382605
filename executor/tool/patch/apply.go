package patch

import (
	"fmt"
	"strings"
)

// MatchError says which part of a file a hunk expects and does not find.
type MatchError struct {
	File    string
	Hunk    int    // from 1
	Line    int    // of the hunk in the patch
	Context string // the @@ line that is missing, or
	Want    []string
	cause   error
}

func (e *MatchError) Error() string {
	at := fmt.Sprintf("hunk %d, line %d of the patch", e.Hunk, e.Line)
	switch {
	case e.cause != nil:
		return fmt.Sprintf("failed to match %s (%s): %v", e.File, at, e.cause)
	case e.Want == nil:
		return fmt.Sprintf("failed to find context '%s' in %s (%s)", clip(e.Context), e.File, at)
	}
	return fmt.Sprintf("failed to find expected lines in %s (%s):\n%s", e.File, at, strings.Join(e.Want, "\n"))
}

// placed is a hunk with the index of the file's line where it begins.
type placed struct {
	Hunk
	at    int
	added []string // the added lines with their line endings, from rewrite
}

// Apply computes the content of file after u. File is for messages. Errors are of type *MatchError.
func (u Update) Apply(file, old string) (string, error) {
	lines := splitKeep(old)
	spots, err := u.place(file, lines)
	if err != nil {
		return "", err
	}
	return rewrite(lines, spots), nil
}

// splitKeep cuts a text into lines that keep their line ending.
func splitKeep(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// ending is the line ending of a line, or "".
func ending(l string) string {
	switch {
	case strings.HasSuffix(l, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(l, "\n"):
		return "\n"
	}
	return ""
}

func bare(l string) string { return l[:len(l)-len(ending(l))] }

// place finds each hunk, each after the one before.
func (u Update) place(file string, lines []string) ([]placed, error) {
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = bare(l)
	}
	m, from := newMatcher(text), 0
	spots := make([]placed, 0, len(u.Hunks))
	for i, h := range u.Hunks {
		fail := MatchError{File: file, Hunk: i + 1, Line: h.Line}
		for _, c := range h.Contexts {
			at, err := m.find([]string{c}, from, false)
			if err != nil || at < 0 {
				fail.Context, fail.cause = c, err
				return nil, &fail
			}
			from = at + 1
		}
		h, at, err := locate(m, h, from)
		if err != nil || at < 0 {
			fail.Want, fail.cause = h.before(), err
			return nil, &fail
		}
		spots = append(spots, placed{Hunk: h, at: at})
		from = at + len(h.before())
	}
	return spots, nil
}

// locate finds one hunk at or after from. Without old lines it goes after the last context, or to the end of the file.
// A last empty line of context that the file does not have is dropped.
func locate(m *matcher, h Hunk, from int) (Hunk, int, error) {
	before := h.before()
	if len(before) == 0 {
		if len(h.Contexts) == 0 || h.AtEnd {
			return h, len(m.lines), nil
		}
		return h, from, nil
	}
	at, err := m.find(before, from, h.AtEnd)
	if n := len(h.Lines); at < 0 && err == nil && n > 1 && h.Lines[n-1] == (Line{' ', ""}) {
		shorter := h
		shorter.Lines = h.Lines[:n-1]
		if len(shorter.before()) > 0 {
			if at, err = m.find(shorter.before(), from, h.AtEnd); at >= 0 {
				return shorter, at, nil
			}
		}
	}
	return h, at, err
}

// before are the lines that the file must have.
func (h Hunk) before() []string {
	var out []string
	for _, l := range h.Lines {
		if l.Op != '+' {
			out = append(out, l.Text)
		}
	}
	return out
}

// rewrite carries the hunks out and notes the added lines in them.
func rewrite(lines []string, spots []placed) string {
	w := writer{last: byDefault(lines)}
	at := 0
	for i := range spots {
		s := &spots[i]
		for ; at < s.at; at++ {
			w.keep(lines[at])
		}
		for _, l := range s.Lines {
			switch l.Op {
			case '+':
				s.added = append(s.added, w.add(l.Text))
			case ' ':
				w.keep(lines[at])
				at++
			case '-':
				w.drop(lines[at])
				at++
			}
		}
	}
	for ; at < len(lines); at++ {
		w.keep(lines[at])
	}
	return w.b.String()
}

// byDefault is the line ending of a file for lines added at its top.
func byDefault(lines []string) string {
	if len(lines) > 0 && ending(lines[0]) != "" {
		return ending(lines[0])
	}
	return "\n"
}

// writer puts lines together; last is the line ending of the neighbour above.
type writer struct {
	b    strings.Builder
	last string
	open bool // the last line written has no line ending yet
}

func (w *writer) keep(l string) {
	w.close()
	w.b.WriteString(l)
	w.drop(l)
	w.open = ending(l) == ""
}

func (w *writer) drop(l string) {
	if e := ending(l); e != "" {
		w.last = e
	}
}

func (w *writer) add(text string) string {
	w.close()
	w.b.WriteString(text + w.last)
	return text + w.last
}

func (w *writer) close() {
	if w.open {
		w.b.WriteString(w.last)
		w.open = false
	}
}
