package patch

import (
	"fmt"
	"strings"
)

// reader walks the lines between begin and end.
type reader struct {
	lines []string
	at    int
	first int // number of lines[0] in the patch text
}

func (r *reader) done() bool   { return r.at >= len(r.lines) }
func (r *reader) peek() string { return r.lines[r.at] }
func (r *reader) number() int  { return r.first + r.at }
func (r *reader) next() string {
	r.at++
	return r.lines[r.at-1]
}

func (r *reader) fail(line int, format string, args ...any) error {
	return &ParseError{line, fmt.Sprintf(format, args...)}
}

// op reads one file operation.
func (r *reader) op() (Op, error) {
	line := r.number()
	head := strings.TrimSpace(r.next())
	if path, ok := strings.CutPrefix(head, addFile); ok {
		return Op{Kind: Add, Path: path, Line: line, Content: r.content()}, nil
	}
	if path, ok := strings.CutPrefix(head, delFile); ok {
		return Op{Kind: Delete, Path: path, Line: line}, nil
	}
	if path, ok := strings.CutPrefix(head, upFile); ok {
		return r.update(path, line)
	}
	if strings.HasPrefix(head, environ) {
		return Op{}, r.fail(line, "'%s': there is one environment only; leave the line out", clip(head))
	}
	return Op{}, r.fail(line, "'%s' is not a valid hunk header. Valid hunk headers: '%s{path}', '%s{path}', '%s{path}'",
		clip(head), addFile, delFile, upFile)
}

func (r *reader) content() string {
	var b strings.Builder
	for !r.done() && strings.HasPrefix(r.peek(), "+") {
		b.WriteString(r.next()[1:])
		b.WriteByte('\n')
	}
	return b.String()
}

func (r *reader) update(path string, line int) (Op, error) {
	op := Op{Kind: Change, Path: path, Line: line}
	if !r.done() {
		if to, ok := strings.CutPrefix(strings.TrimSpace(r.peek()), moveTo); ok {
			op.MoveTo = to
			r.next()
		}
	}
	for !r.done() && (r.peek() == endOfFile || !strings.HasPrefix(r.peek(), "***")) {
		if strings.TrimSpace(r.peek()) == "" && r.blankBetween() {
			r.next()
			continue
		}
		h, err := r.hunk(len(op.Update.Hunks) == 0)
		if err != nil {
			return Op{}, err
		}
		op.Update.Hunks = append(op.Update.Hunks, h)
	}
	if len(op.Update.Hunks) == 0 {
		return Op{}, r.fail(line, "Update file hunk for path '%s' is empty; expected '@@' and lines with ' ', '-' or '+'", clip(path))
	}
	return op, nil
}

// blankBetween reports whether only blank lines stand before the next header, so that they belong to no hunk.
func (r *reader) blankBetween() bool {
	for _, l := range r.lines[r.at:] {
		if strings.TrimSpace(l) != "" {
			return strings.HasPrefix(l, header) || strings.HasPrefix(l, "***")
		}
	}
	return true
}

// hunk reads the @@ lines and what follows. Only the first hunk of a file may do without @@.
func (r *reader) hunk(first bool) (Hunk, error) {
	h := Hunk{Line: r.number()}
	for !r.done() {
		l := strings.TrimRight(r.peek(), " \t")
		context, ok := strings.CutPrefix(l, header+" ")
		if !ok && l != header {
			break
		}
		if r.next(); context != "" && ok {
			h.Contexts = append(h.Contexts, context)
		}
		first = true
	}
	if !first {
		return Hunk{}, r.fail(r.number(), "Expected update hunk to start with a @@ context marker, got: '%s'", clip(r.peek()))
	}
	for !r.done() {
		l := r.peek()
		switch {
		case strings.TrimRight(l, " \t") == endOfFile:
			r.next()
			h.AtEnd = true
			return h, r.nonEmpty(h)
		case strings.HasPrefix(l, header), strings.HasPrefix(l, "***"):
			return h, r.nonEmpty(h)
		case l == "":
			if r.blankBetween() {
				return h, r.nonEmpty(h)
			}
			h.Lines = append(h.Lines, Line{' ', ""})
		case l[0] == ' ', l[0] == '-', l[0] == '+':
			h.Lines = append(h.Lines, Line{l[0], l[1:]})
		default:
			return Hunk{}, r.fail(r.number(), "Unexpected line found in update hunk: '%s'. "+
				"Every line should start with ' ' (context line), '+' (added line), or '-' (removed line)", clip(l))
		}
		r.next()
	}
	return h, r.nonEmpty(h)
}

func (r *reader) nonEmpty(h Hunk) error {
	if len(h.Lines) == 0 {
		return r.fail(h.Line, "Update hunk does not contain any lines")
	}
	return nil
}
