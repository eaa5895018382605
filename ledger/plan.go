package ledger

import (
	"bytes"
	"fmt"

	"proctor/event"
)

// view is the state that a submission is judged against: what is committed, and what the
// group at hand already added.
type view interface {
	// session returns the state of a session; planned moves with plan.
	session(name string) (*session, error)
	// known returns the committed event with an id: its public part and its receipt; nil when there is none.
	known(key idKey) ([]byte, *event.Receipt, error)
}

// planner assigns numbers to the events of one group, submission by submission.
type planner struct {
	view  view
	next  event.Seq           // index of the next new entry
	group map[idKey]*prepared // new events of the group
}

// plan gives every event of o its place, or says why none gets one. A refused submission leaves
// no trace. An id that is known keeps its place; its bytes must be the same.
func (p *planner) plan(o *op) error {
	next := p.next
	for i := range o.events {
		if err := p.place(&o.events[i]); err != nil {
			p.undo(o.events[:i], next)
			return err
		}
	}
	for i := range o.events {
		if e := &o.events[i]; e.isNew() {
			s, err := p.view.session(e.head.Session)
			if err != nil {
				return err
			}
			s.last = s.planned
		}
	}
	return nil
}

func (p *planner) place(e *prepared) error {
	if same, ok := p.group[e.key]; ok {
		e.same = same
		return sameBytes(e, same.public)
	}
	public, receipt, err := p.view.known(e.key)
	if err != nil {
		return err
	}
	if receipt != nil {
		e.known = receipt
		return sameBytes(e, public)
	}
	s, err := p.view.session(e.head.Session)
	if err != nil {
		return err
	}
	if want := s.planned + 1; e.head.Seq != 0 && e.head.Seq != want {
		return fmt.Errorf("event %s is number %d of session %s, expected %d: %w", e.head.ID, e.head.Seq, e.head.Session, want, ErrGap)
	}
	s.planned++
	e.sessionSeq, e.index = s.planned, p.next
	p.next++
	p.group[e.key] = e
	return nil
}

func (p *planner) undo(placed []prepared, next event.Seq) {
	for i := range placed {
		if e := &placed[i]; e.isNew() {
			delete(p.group, e.key)
			if s, err := p.view.session(e.head.Session); err == nil {
				s.planned = s.last
			}
		}
	}
	p.next = next
}

func (e *prepared) isNew() bool { return e.same == nil && e.known == nil }

func sameBytes(e *prepared, public []byte) error {
	if !bytes.Equal(e.public, public) {
		return fmt.Errorf("event %s: %w", e.head.ID, ErrConflict)
	}
	return nil
}
