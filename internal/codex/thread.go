package codex

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"

	"proctor/event"
)

// importer is the state between lines.
type importer struct {
	emit       func(string, event.Draft) error
	sum        Summary
	start      event.ID // conversation_starts
	turnNumber int
	turn       *turn                // nil between turns
	open       map[string]*openItem // by item id; started and not ended
	results    int64
}

// turn is the one that runs.
type turn struct {
	id      string
	event   event.ID
	calls   int
	message string // the last one of the agent, cut
}

// line turns one line into events. errShape means that it was not understood and had no effect.
func (m *importer) line(b []byte) error {
	o, err := parseObject(b)
	if err != nil {
		return err
	}
	kind := o.text("type", &err)
	if err != nil {
		return err
	}
	switch kind {
	case "thread.started":
		return m.threadStarted(o)
	case "turn.started":
		return m.turnStarted()
	case "turn.completed":
		return m.turnCompleted(o)
	case "turn.failed":
		return m.turnFailed(o)
	case "item.started", "item.updated", "item.completed":
		return m.item(o, kind == "item.completed")
	case "error":
		return m.errorLine(o)
	case "":
		return fmt.Errorf("%w: no type", errShape)
	}
	count(m.sum.UnknownLines, kind)
	return nil
}

// maxNames bounds the unknown types that are counted by name.
const maxNames = 64

func count(names map[string]int, name string) {
	name = clipLabel(name)
	if _, known := names[name]; !known && len(names) >= maxNames {
		name = "other"
	}
	names[name]++
}

// send fills in the marks of a reported event.
func (m *importer) send(d event.Draft) error {
	if m.sum.Session == "" {
		return fmt.Errorf("%w: %s comes before thread.started", ErrNoThread, d.Payload.Kind())
	}
	d.Actor = event.System
	if d.Turn == "" && m.turn != nil {
		d.Turn = m.turn.id
	}
	if d.Cause == "" {
		d.Cause = m.start
		if m.turn != nil {
			d.Cause = m.turn.event
		}
	}
	if err := m.emit(m.sum.Session, d); err != nil {
		return err
	}
	m.sum.Events++
	return nil
}

func (m *importer) threadStarted(o object) error {
	var err error
	thread := o.text("thread_id", &err)
	if err != nil {
		return err
	}
	if bad := event.CheckSession(thread); bad != nil {
		return fmt.Errorf("%w: %w", errShape, bad)
	}
	if m.sum.Thread != "" && m.sum.Thread != thread {
		return fmt.Errorf("%w: %s after %s", ErrTwoThreads, thread, m.sum.Thread)
	}
	// A process that resumes the thread prints it again, and counts its items anew.
	if m.sum.Thread != "" {
		if err := m.finish(); err != nil {
			return err
		}
		return m.send(event.Draft{Payload: &event.SessionResumedPayload{}})
	}
	m.sum.Thread = thread
	if m.sum.Session == "" {
		m.sum.Session = thread
	}
	start := event.NewID()
	if err := m.send(event.Draft{ID: start, Payload: &event.ConversationStartsPayload{Originator: Source}}); err != nil {
		return err
	}
	m.start = start
	return nil
}

func (m *importer) turnStarted() error {
	m.leaveTurn()
	m.turnNumber++
	t := &turn{id: fmt.Sprintf("%sturn-%d", Mark, m.turnNumber), event: event.NewID()}
	if err := m.send(event.Draft{ID: t.event, Turn: t.id, Payload: &event.TurnStartedPayload{}}); err != nil {
		return err
	}
	m.turn = t
	m.sum.Turns++
	return nil
}

// leaveTurn counts a turn that the source does not end.
func (m *importer) leaveTurn() {
	if m.turn != nil {
		m.sum.OpenTurns++
		m.turn = nil
	}
}

// finish ends what one process of the CLI printed.
func (m *importer) finish() error {
	m.leaveTurn()
	return m.closeItems()
}

// usageJSON is the sum over the whole thread.
type usageJSON struct {
	Input      int64 `json:"input_tokens"`
	Cached     int64 `json:"cached_input_tokens"`
	CacheWrite int64 `json:"cache_write_input_tokens"`
	Output     int64 `json:"output_tokens"`
	Reasoning  int64 `json:"reasoning_output_tokens"`
}

func (m *importer) turnCompleted(o object) error {
	var err error
	var u usageJSON
	o.get("usage", &u, &err)
	if err != nil {
		return err
	}
	return m.endTurn(&event.TurnCompletedPayload{Status: "completed", Thread: event.Usage(u)})
}

func (m *importer) turnFailed(o object) error {
	var err error
	failure := o.inner("error", &err)
	message := failure.text("message", &err)
	if err != nil {
		return err
	}
	return m.endTurn(&event.TurnCompletedPayload{Status: "failed", Error: m.secret(message)})
}

// endTurn also takes an end without a beginning: the source may be a part.
func (m *importer) endTurn(p *event.TurnCompletedPayload) error {
	if m.turn != nil {
		p.Calls, p.LastMessage = m.turn.calls, event.Secret(m.turn.message)
	}
	if err := m.send(event.Draft{Payload: p}); err != nil {
		return err
	}
	for _, i := range m.open {
		i.turnEnded = true
	}
	m.turn = nil
	return nil
}

// retryLine is what the CLI prints for each new attempt.
var retryLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^Reconnecting\.\.\. (\d{1,6})/(\d{1,6})\b`) })

func (m *importer) errorLine(o object) error {
	var err error
	message := o.text("message", &err)
	if err != nil {
		return err
	}
	if f := retryLine().FindStringSubmatch(message); f != nil {
		attempt, _ := strconv.Atoi(f[1]) // at most six digits
		most, _ := strconv.Atoi(f[2])
		return m.send(event.Draft{Payload: &event.StreamRetryPayload{Attempt: attempt, Max: most, Message: m.secret(message)}})
	}
	return m.notice("error", "", message)
}

// notice is a text for the user that has no kind of its own: phase tells what it is.
func (m *importer) notice(phase, item, message string) error {
	text, cut := m.cut(message, maxText)
	p := &event.AgentResponsePayload{AgentType: Source, ItemID: item, Phase: phase, Response: event.Secret(text), Length: len(message), Truncated: cut}
	if m.turn != nil {
		p.TurnID = m.turn.id
	}
	return m.send(event.Draft{Payload: p})
}
