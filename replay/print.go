package replay

import (
	"fmt"
	"io"
	"strings"

	"proctor/event"
)

// Options of printing. The zero value prints without colours, lines uncut, blocks shortened.
type Options struct {
	// Width is the terminal's, in cells; lines are cut to it. Zero does not cut.
	Width int
	// Color uses ANSI colours; see [UseColor].
	Color bool
	// Full shows blocks (output, patches) whole instead of their first lines.
	Full bool
	// Kinds, when not empty, limits a [Printer] to these kinds.
	Kinds []event.Kind
}

const (
	// maxLine bounds one printed text in bytes of the recording, whatever the width.
	maxLine = 4 << 10
	// maxBlock is how many lines of a block are shown without Options.Full.
	maxBlock = 12
	// column is where texts begin: time, then label.
	timeWidth, labelWidth = 10, 10
)

// Write prints a timeline.
func Write(w io.Writer, t Timeline, o Options) error {
	p := sheet{options: o, paint: palette(o.Color)}
	if t.Session == "" {
		p.line(p.text(Dim, "no entries"))
	} else {
		p.head(t)
	}
	for _, part := range t.Parts {
		p.line("")
		p.line(p.text(Strong, Escape(part.Title)) + p.text(Dim, prefixed("  ", Escape(part.Turn))))
		for _, item := range part.Items {
			p.item(item)
		}
	}
	if t.Session != "" {
		p.tail(t.Summary)
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("print timeline of session %s: %w", t.Session, err)
	}
	return nil
}

// sheet collects lines.
type sheet struct {
	options Options
	paint   func(Tone, string) string
	b       strings.Builder
}

func (p *sheet) line(text string) { p.b.WriteString(text + "\n") }

// text paints text that is safe already.
func (p *sheet) text(tone Tone, text string) string {
	if text == "" {
		return ""
	}
	return p.paint(tone, text)
}

// safe makes a recorded text fit for width cells of one line; width 0 is what is left after indent.
func (p *sheet) safe(text string, indent int) string {
	text = Escape(clip(text, maxLine))
	return fit(text, p.room(indent))
}

func (p *sheet) head(t Timeline) {
	status := join(", ", p.safe(t.Summary.Status, 0), "took "+span(t.Summary.Duration))
	p.line(p.text(Strong, "session "+Escape(t.Session)) + "  " + t.Start.UTC().Format("2006-01-02 15:04:05") + " UTC  " + p.text(statusTone(t.Summary.Status), status))
	for _, f := range t.Facts {
		p.line("  " + p.text(Dim, fmt.Sprintf("%-*s", labelWidth, f.Label)) + " " + p.text(f.Tone, p.safe(f.Text, labelWidth+3)))
	}
}

func (p *sheet) tail(s Summary) {
	p.line("")
	sum := join(", ",
		count(int64(s.Turns), "turn"), count(int64(s.Requests), "model request"), count(int64(s.Calls), "call"),
		fmt.Sprintf("%d started, %d refused, %d failed", s.Commands, s.Refused, s.Failed),
		count(int64(s.Reviews), "review"), count(int64(s.Denials), "denial"), count(int64(s.Files), "file change"), usage(s.Tokens))
	head := p.text(Strong, "sum")
	for _, line := range wrap(sum, p.room(5), maxWrapped) {
		p.line(head + "  " + line)
		head = "   "
	}
}

func (p *sheet) item(i Item) {
	const indent = timeWidth + labelWidth + 2
	text := p.safe(i.Text, indent)
	at := fmt.Sprintf("%*s", timeWidth, fmt.Sprintf("%+.3fs", i.At.Seconds()))
	head := p.text(Dim, at) + " " + p.text(Strong, fmt.Sprintf("%-*s", labelWidth, Escape(i.Label))) + " " + text
	result := "→ " + Escape(clip(i.Result, maxLine))
	switch {
	case i.Result == "":
		p.line(head)
	case p.options.Width == 0 || indent+cells(text)+2+cells(result) <= p.options.Width:
		p.line(head + "  " + p.text(i.Tone, result))
	default:
		p.line(head)
		p.wrapped(result, i.Tone, indent)
	}
	for _, d := range i.Details {
		p.detail(d, indent)
	}
}

// maxWrapped is how many lines one text may take.
const maxWrapped = 6

// wrapped prints safe text on lines of its own.
func (p *sheet) wrapped(text string, tone Tone, indent int) {
	for _, line := range wrap(text, p.room(indent), maxWrapped) {
		p.line(strings.Repeat(" ", indent) + p.text(tone, line))
	}
}

// room is what is left of the width after indent, or 0 when there is no limit.
func (p *sheet) room(indent int) int {
	if p.options.Width == 0 {
		return 0
	}
	return max(p.options.Width-indent, 20)
}

func (p *sheet) detail(d Detail, indent int) {
	space := strings.Repeat(" ", indent)
	label := p.text(Dim, fmt.Sprintf("%-*s", labelWidth, Escape(d.Label)))
	for _, text := range lines(d.Text) {
		for _, line := range wrap(Escape(clip(text, maxLine)), p.room(indent+labelWidth+1), maxWrapped) {
			p.line(space + label + " " + p.text(d.Tone, line))
			label = strings.Repeat(" ", labelWidth)
		}
	}
	if d.Text == "" && d.Label != "" {
		p.line(space + p.text(Dim, Escape(d.Label)))
	}
	p.block(d.Lines, space, indent)
}

// block prints lines behind a bar, so that none of them can pose as ours.
func (p *sheet) block(block []string, space string, indent int) {
	shown := block
	if !p.options.Full && len(block) > maxBlock {
		shown = block[:maxBlock-1]
	}
	for _, text := range shown {
		p.line(space + p.text(Dim, "│ ") + p.safe(text, indent+2))
	}
	if left := len(block) - len(shown); left > 0 {
		p.line(space + p.text(Dim, fmt.Sprintf("│ … %s more", count(int64(left), "line"))))
	}
}
