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
	// Source names where imported events come from.
	Source = "reported:codex-exec-json"
)

// Options say how to import.
type Options struct {
	// Session is the session to record in; the source's thread id when empty.
	Session string
	// FirstTurn numbers the turns from here, for a source that continues an imported one; 1 when zero.
	FirstTurn int
	// MaxLines bounds the source; DefaultMaxLines when zero.
	MaxLines int
}

// Summary says what was read, and what of it became events.
type Summary struct {
	Session string
	Thread  string // the source's thread id
	Lines   int
	Events  int
	Turns   int
	// OpenTurns began and were not ended, as after an interrupt.
	OpenTurns int
	// OpenItems were started and never ended; each has a tool_result with status running or interrupted.
	OpenItems int
	// UnknownLines and UnknownItems count by type; all names beyond maxNames count as "other".
	UnknownLines, UnknownItems map[string]int
	// Malformed lines are no JSON objects, or lack the shape of their type; FirstMalformed is the number of the first.
	Malformed, FirstMalformed int
	// CutLine: the last line has no end and does not parse.
	CutLine bool
	// CutTexts counts texts above their bound, DroppedChanges the file changes of one item above maxChanges.
	CutTexts, DroppedChanges int
}

var (
	// ErrTooLarge means the source is beyond MaxLine or MaxLines. What was emitted before stands; split the source.
	ErrTooLarge = errors.New("source is too large")
	// ErrNoThread means an event came before any thread.started and no session was given: set Options.Session.
	ErrNoThread = errors.New("source names no thread")
	// ErrTwoThreads means the source holds several threads: import each for itself.
	ErrTwoThreads = errors.New("source holds more than one thread")
)

// Import reads the output of `codex exec --json` from r and calls emit for each event, in order, with the session it
// belongs to. It stops at the first error of r or emit; the summary covers what was read until then.
func Import(r io.Reader, o Options, emit func(session string, d event.Draft) error) (Summary, error) {
	if o.MaxLines == 0 {
		o.MaxLines = DefaultMaxLines
	}
	if o.FirstTurn == 0 {
		o.FirstTurn = 1
	}
	if o.MaxLines < 0 || o.FirstTurn < 0 {
		return Summary{}, fmt.Errorf("import codex exec output: MaxLines is %d and FirstTurn is %d; expected neither below zero", o.MaxLines, o.FirstTurn)
	}
	if o.Session != "" {
		if err := event.CheckSession(o.Session); err != nil {
			return Summary{}, fmt.Errorf("import codex exec output: %w", err)
		}
	}
	m := &importer{emit: emit, turnNumber: o.FirstTurn - 1, open: map[string]*openItem{}}
	m.sum = Summary{Session: o.Session, UnknownLines: map[string]int{}, UnknownItems: map[string]int{}}
	err := m.read(newLines(r, o.MaxLines))
	if err == nil {
		err = m.finish()
	}
	if err != nil {
		return m.sum, fmt.Errorf("import codex exec output: line %d: %w", m.sum.Lines, err)
	}
	return m.sum, nil
}

func (m *importer) read(l *lines) error {
	for {
		line, whole, err := l.next()
		m.sum.Lines = l.count
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = m.line(line)
		if errors.Is(err, errShape) {
			m.malformed(whole)
			continue
		}
		if err != nil {
			return err
		}
	}
}

func (m *importer) malformed(whole bool) {
	if !whole {
		m.sum.CutLine = true
		return
	}
	if m.sum.Malformed++; m.sum.Malformed == 1 {
		m.sum.FirstMalformed = m.sum.Lines
	}
}
