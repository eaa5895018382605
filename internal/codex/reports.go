package codex

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"proctor/event"
)

// reports is the state between lines that both formats have.
type reports struct {
	emit           func(Report) error
	sum            Summary
	source, suffix string
	at             time.Time         // of the line that is read; of the thread where lines have no time
	chain          [sha256.Size]byte // of all lines so far
	made           uint64            // ids made of chain
	start          event.ID          // conversation_starts
	turn           *turn             // nil between turns
	open           map[string]*openItem
	results        int64
}

// turn is the one that runs.
type turn struct {
	id      string
	event   event.ID
	calls   int
	message string // the last one of the agent, cut
}

func newReports(o Options, emit func(Report) error) *reports {
	m := &reports{emit: emit, open: map[string]*openItem{}, at: time.Unix(0, 0)}
	m.sum = Summary{Session: o.Session, UnknownLines: map[string]int{}, UnknownItems: map[string]int{}}
	return m
}

// reach takes a line into the ids of what follows: they are those of a longer source with the same beginning.
func (m *reports) reach(line []byte) {
	h := sha256.New()
	_, _ = h.Write(m.chain[:])
	_, _ = h.Write(line)
	h.Sum(m.chain[:0])
	m.made = 0
}

func (m *reports) newID() event.ID {
	m.made++
	h := sha256.New()
	_, _ = h.Write(m.chain[:])
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, m.made))
	_, _ = h.Write([]byte(m.sum.Session))
	return IDOf(m.at, h.Sum(nil))
}

// begin names the thread, and the session where the caller did not.
func (m *reports) begin(thread string) {
	m.sum.Thread = thread
	if m.sum.Session == "" {
		m.sum.Session = thread + m.suffix
	}
}

// threadTime is when a thread began, as its id tells; 1970 when it does not.
func threadTime(thread string) time.Time {
	id, err := uuid.Parse(thread)
	if err != nil || id.Version() != 7 {
		return time.Unix(0, 0)
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
}

// draft is what an event says, without the marks of a report.
type draft struct {
	id         event.ID
	turn, call string
	cause      event.ID
	derived    bool
	payload    event.Payload
}

// send fills in the marks of a reported event.
func (m *reports) send(d draft) error {
	if m.sum.Session == "" {
		return fmt.Errorf("%w: %s comes before its name", ErrNoThread, d.payload.Kind())
	}
	if d.turn == "" && m.turn != nil {
		d.turn = m.turn.id
	}
	if d.cause == "" {
		d.cause = m.start
		if m.turn != nil {
			d.cause = m.turn.event
		}
	}
	if d.id == "" {
		d.id = m.newID()
	}
	if err := m.emit(Report{ID: d.id, Session: m.sum.Session, Turn: d.turn, Call: d.call, Cause: d.cause, Time: m.at, Payload: d.payload, Derived: d.derived}); err != nil {
		return err
	}
	m.sum.Events++
	return nil
}

// beginThread sends the first event.
func (m *reports) beginThread(p *event.ConversationStartsPayload) error {
	p.Originator = m.source
	start := m.newID()
	if err := m.send(draft{id: start, payload: p}); err != nil {
		return err
	}
	m.start = start
	return nil
}

// beginTurn sends the first event of a turn; one that runs still is counted as open.
func (m *reports) beginTurn(id string, p *event.TurnStartedPayload) error {
	m.leaveTurn()
	t := &turn{id: Mark + id, event: m.newID()}
	if err := m.send(draft{id: t.event, turn: t.id, cause: m.start, payload: p}); err != nil {
		return err
	}
	m.turn = t
	m.sum.Turns++
	return nil
}

// endTurn also takes an end without a beginning: the source may be a part.
func (m *reports) endTurn(p *event.TurnCompletedPayload) error {
	if m.turn != nil {
		p.Calls = m.turn.calls
		if p.LastMessage.IsZero() {
			p.LastMessage = event.Secret(m.turn.message)
		}
	}
	if err := m.send(draft{payload: p}); err != nil {
		return err
	}
	for _, i := range m.open {
		i.turnEnded = true
	}
	m.turn = nil
	return nil
}

// leaveTurn counts a turn that the source does not end.
func (m *reports) leaveTurn() {
	if m.turn != nil {
		m.sum.OpenTurns++
		m.turn = nil
	}
}

// finish ends what one process of the CLI told.
func (m *reports) finish() error {
	m.leaveTurn()
	return m.closeItems()
}

// notice is a text for the user that has no kind of its own: phase tells what it is.
func (m *reports) notice(phase, item, message string) error {
	text, cut := m.cut(message, maxText)
	p := &event.AgentResponsePayload{AgentType: m.source, ItemID: clipLabel(item), Phase: phase, Response: event.Secret(text), Length: len(message), Truncated: cut}
	if m.turn != nil {
		p.TurnID = m.turn.id
	}
	return m.send(draft{payload: p})
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
