package patch

import (
	"fmt"
	"strings"
)

// The fixed lines of the format.
const (
	begin     = "*** Begin Patch"
	end       = "*** End Patch"
	addFile   = "*** Add File: "
	delFile   = "*** Delete File: "
	upFile    = "*** Update File: "
	moveTo    = "*** Move to: "
	endOfFile = "*** End of File"
	environ   = "*** Environment ID:"
	header    = "@@"
)

// MaxFiles bounds the file operations of one patch.
const MaxFiles = 500

// Patch is a parsed patch.
type Patch struct {
	Ops []Op
}

// OpKind is what a patch does to a file.
type OpKind string

// The kinds, as the JSONL stream names them.
const (
	Add    OpKind = "add"
	Delete OpKind = "delete"
	Change OpKind = "update"
)

// Op is one file operation.
type Op struct {
	Kind    OpKind
	Path    string // as written in the patch
	Line    int    // of its header, from 1
	Content string // of an added file
	Update  Update // of a changed file
	MoveTo  string // new path, or empty
}

// Update is a list of hunks, in the order of the file.
type Update struct {
	Hunks []Hunk
}

// Hunk is one changed place.
type Hunk struct {
	Line     int      // of its first line in the patch
	Contexts []string // lines to find first, one after the other
	Lines    []Line
	AtEnd    bool // the place is at the end of the file
}

// Line is a line of a hunk. Op is ' ' (keep), '-' (remove) or '+' (add).
type Line struct {
	Op   byte
	Text string
}

// ParseError says where a text is no patch.
type ParseError struct {
	Line int // from 1, 0 for the patch as a whole
	Text string
}

func (e *ParseError) Error() string {
	if e.Line == 0 {
		return "invalid patch: " + e.Text
	}
	return fmt.Sprintf("invalid hunk at line %d, %s", e.Line, e.Text)
}

// Parse reads a patch. Errors are of type *ParseError.
func Parse(text string) (Patch, error) {
	lines, first, err := body(text)
	if err != nil {
		return Patch{}, err
	}
	r := reader{lines: lines, first: first}
	var p Patch
	for !r.done() {
		if strings.TrimSpace(r.peek()) == "" && len(p.Ops) > 0 && p.Ops[len(p.Ops)-1].Kind != Add {
			r.next()
			continue
		}
		op, err := r.op()
		if err != nil {
			return Patch{}, err
		}
		if p.Ops = append(p.Ops, op); len(p.Ops) > MaxFiles {
			return Patch{}, &ParseError{op.Line, fmt.Sprintf("more than %d files in one patch; split it", MaxFiles)}
		}
	}
	return p, nil
}

// body returns the lines between begin and end, and the number of the line that first is.
func body(text string) (lines []string, first int, err error) {
	lead := strings.Count(text[:len(text)-len(strings.TrimLeft(text, " \t\r\n"))], "\n")
	lines = split(strings.TrimSpace(text))
	if n := len(lines); n >= 4 && isHeredoc(lines[0]) && strings.HasSuffix(lines[n-1], "EOF") {
		inner := lines[1 : n-1]
		trimmed := split(strings.TrimSpace(strings.Join(inner, "\n")))
		lead += 1 + strings.Count(strings.Join(inner, "\n"), "\n") + 1 - len(trimmed) // blank lines sit in front or behind; close enough for messages
		lines = trimmed
	}
	if strings.TrimSpace(lines[0]) != begin {
		return nil, 0, &ParseError{0, fmt.Sprintf("the first line of the patch must be '%s', it is '%s'", begin, clip(lines[0]))}
	}
	last := lines[len(lines)-1]
	if len(lines) < 2 || strings.TrimSpace(last) != end {
		return nil, 0, &ParseError{0, fmt.Sprintf("the last line of the patch must be '%s', it is '%s'", end, clip(last))}
	}
	return lines[1 : len(lines)-1], lead + 2, nil
}

func isHeredoc(line string) bool {
	return line == "<<EOF" || line == "<<'EOF'" || line == `<<"EOF"`
}

func split(s string) []string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\r")
	}
	return lines
}

// clip bounds a line quoted in a message.
func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
