package codex

import (
	"errors"
	"fmt"
	"io"

	"proctor/event"
)

const (
	// Mark begins every turn and call id of an imported event.
	Mark = "reported-"
	// StreamSource names where events of the output of exec come from.
	StreamSource = "reported:codex-exec-json"
	// RolloutSource names where those of a rollout file come from.
	RolloutSource = "reported:codex-rollout"
	// Unended follows a source that does not tell of an end.
	Unended = ":unended"
	// StreamSuffix ends the names of sessions with what exec printed.
	StreamSuffix = "-jsonl"
	// RolloutSuffix ends those with what a rollout file holds.
	RolloutSuffix = "-rollout"
)

// Options say how to import.
type Options struct {
	// Session is the session to record in; the source's thread id and the suffix of its format when empty.
	Session string
	// MaxLines and MaxBytes bound the source, after decompression; DefaultMaxLines and DefaultMaxBytes when zero.
	MaxLines int
	MaxBytes int64
}

// Summary says what was read, and what of it became events.
type Summary struct {
	// Format is stream for the output of `codex exec --json`, or rollout; empty when no line could be read.
	Format  string `json:"format"`
	Session string `json:"session"`
	Thread  string `json:"thread"` // the source's thread id
	Lines   int    `json:"lines"`
	Events  int    `json:"events"`
	Turns   int    `json:"turns"`
	// OpenTurns began and were not ended, as after an interrupt.
	OpenTurns int `json:"open_turns"`
	// OpenItems were started and never ended; each has a tool_result with status running or interrupted.
	OpenItems int `json:"open_items"`
	// UnknownLines and UnknownItems count by type; all names beyond maxNames count as "other".
	UnknownLines map[string]int `json:"unknown_lines"`
	UnknownItems map[string]int `json:"unknown_items"`
	// Malformed lines are no JSON objects, or lack the shape of their type; FirstMalformed is the number of the first.
	Malformed      int `json:"malformed_lines"`
	FirstMalformed int `json:"first_malformed"`
	// CutLine: the last line has no end and does not parse.
	CutLine bool `json:"cut_line"`
	// CutTexts counts texts above their bound, DroppedChanges the file changes of one item above maxChanges.
	CutTexts       int `json:"cut_texts"`
	DroppedChanges int `json:"dropped_changes"`
}

var (
	// ErrTooLarge means the source is beyond MaxLine, MaxLines or MaxBytes. What was emitted before stands; split the source.
	ErrTooLarge = errors.New("source is too large")
	// ErrNoThread means an event came before the thread was named and no session was given: set Options.Session.
	ErrNoThread = errors.New("source names no thread")
	// ErrTwoThreads means the source holds several threads: import each for itself.
	ErrTwoThreads = errors.New("source holds more than one thread")
	// ErrNoSource means that no line is one of Codex: the file is something else.
	ErrNoSource = errors.New("neither output of 'codex exec --json' nor a rollout file")
)

// decoder makes events of the lines of one format. A line that is not what its type promises is errShape and had no effect.
type decoder interface {
	line(object) error
	finish() error
}

// Import reads the output of `codex exec --json`, or a rollout file, from r, also compressed with zstd, and calls emit for each event, in order. It stops at the
// first error of r or emit; the summary covers what was read until then.
func Import(r io.Reader, o Options, emit func(Report) error) (Summary, error) {
	if o.MaxLines == 0 {
		o.MaxLines = DefaultMaxLines
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxLines < 0 || o.MaxBytes < 0 {
		return Summary{}, fmt.Errorf("MaxLines is %d and MaxBytes is %d; expected neither below zero", o.MaxLines, o.MaxBytes)
	}
	if o.Session != "" {
		if err := event.CheckSession(o.Session); err != nil {
			return Summary{}, err
		}
	}
	m := newReports(o, emit)
	text, done, err := decompress(r, o.MaxBytes)
	if err == nil {
		err = m.read(newLines(text, o.MaxLines))
		done()
	}
	if err != nil && !errors.Is(err, ErrNoSource) {
		err = fmt.Errorf("line %d: %w", m.sum.Lines, err)
	}
	return m.sum, err
}

func (m *reports) read(l *lines) error {
	var d decoder
	for {
		line, whole, err := l.next()
		m.sum.Lines = l.count
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		m.reach(line)
		o, err := parseObject(line)
		if err == nil && d == nil {
			d, err = m.decoderOf(o)
		}
		if err == nil {
			err = d.line(o)
		}
		if errors.Is(err, errShape) {
			m.malformed(whole)
			continue
		}
		if err != nil {
			return err
		}
	}
	switch {
	case d != nil:
		return d.finish()
	case m.sum.Malformed > 0:
		return ErrNoSource
	}
	return nil
}

// decoderOf tells by a line what the source is. Lines of a rollout have a payload.
func (m *reports) decoderOf(o object) (decoder, error) {
	var err error
	kind := o.text("type", &err)
	if err == nil && kind == "" {
		err = fmt.Errorf("%w: no type", errShape)
	}
	if err != nil {
		return nil, err
	}
	if _, ok := o.fields["payload"]; ok {
		m.sum.Format, m.source, m.suffix = "rollout", RolloutSource, RolloutSuffix
		return &rollout{reports: m}, nil
	}
	m.sum.Format, m.source, m.suffix = "stream", StreamSource, StreamSuffix
	return &stream{m}, nil
}

func (m *reports) malformed(whole bool) {
	if !whole {
		m.sum.CutLine = true
		return
	}
	if m.sum.Malformed++; m.sum.Malformed == 1 {
		m.sum.FirstMalformed = m.sum.Lines
	}
}
