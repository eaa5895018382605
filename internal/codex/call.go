package codex

import (
	"fmt"
	"maps"
	"slices"

	"proctor/event"
)

// openItem is a call that was started.
type openItem struct {
	number    int // order of appearance
	draft     draft
	result    *event.ToolResultPayload
	turnEnded bool
	told      bool // a result was sent; another one may follow
}

const (
	// maxOpen bounds the calls held until they end; a further one, or one without id, is told of at once, as running.
	maxOpen = 256
	// maxChanges bounds the file changes of one item.
	maxChanges = 10_000
)

// place is the envelope of a call that appears now. Items of a stream count anew with each process; calls of a rollout are those of the model.
func (m *reports) place(id string) draft {
	if id == "" {
		id = fmt.Sprintf("line-%d", m.sum.Lines)
	}
	if m.turn != nil {
		m.turn.calls++
	}
	switch {
	case m.turn == nil:
		return draft{call: Mark + clipLabel(id), cause: m.start}
	case m.source == RolloutSource:
		return draft{turn: m.turn.id, call: Mark + clipLabel(id), cause: m.turn.event}
	}
	return draft{turn: m.turn.id, call: m.turn.id + "-" + clipLabel(id), cause: m.turn.event}
}

func (m *reports) started(id string, r *event.ToolResultPayload) error {
	if i, again := m.open[id]; again {
		i.result = r // an update: the latest state counts
		return nil
	}
	if len(m.open) >= maxOpen {
		maps.DeleteFunc(m.open, func(_ string, i *openItem) bool { return i.told })
	}
	i := &openItem{number: m.sum.Lines, draft: m.place(id), result: r}
	if id != "" && len(m.open) < maxOpen {
		m.open[id] = i
		return nil
	}
	m.sum.OpenItems++
	r.Status = "running"
	return m.result(i.draft, r)
}

func (m *reports) ended(id string, r *event.ToolResultPayload, changes []*event.FileChangePayload) error {
	i, known := m.open[id]
	if !known {
		i = &openItem{draft: m.place(id)}
	}
	delete(m.open, id)
	return m.endedAs(i.draft, r, changes)
}

// endedAs sends a result behind what it changed.
func (m *reports) endedAs(at draft, r *event.ToolResultPayload, changes []*event.FileChangePayload) error {
	for _, c := range changes {
		d := at
		d.payload = c
		if err := m.send(d); err != nil {
			return err
		}
	}
	return m.result(at, r)
}

func (m *reports) result(d draft, r *event.ToolResultPayload) error {
	m.results++
	r.ResultSeq, r.CallID, r.AgentName = m.results, d.call, m.source
	if d.derived {
		r.AgentName += Unended
	}
	d.payload = r
	return m.send(d)
}

// closeItems tells of calls that were started and never ended.
func (m *reports) closeItems() error {
	left := make([]*openItem, 0, len(m.open))
	for _, i := range m.open {
		if !i.told {
			left = append(left, i)
		}
	}
	clear(m.open)
	slices.SortFunc(left, func(a, b *openItem) int { return a.number - b.number })
	for _, i := range left {
		m.sum.OpenItems++
		i.result.Success, i.result.Status = false, "interrupted"
		if i.turnEnded {
			i.result.Status = "running"
		}
		i.draft.derived = true
		if err := m.result(i.draft, i.result); err != nil {
			return err
		}
	}
	return nil
}
