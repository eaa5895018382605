package ledger

import (
	"fmt"
	"slices"
	"time"

	"proctor/event"
)

// story is what Verify remembers of one session while it walks.
type story struct {
	first  event.Seq
	last   uint64 // number of the last entry
	index  event.Seq
	closed bool
	work   bool // somebody else than the system acted in it
	erased bool
	begun  bool         // a conversation_starts was read
	by     string       // its originator
	kinds  []kindNumber // of the events that their producer numbered; dropped when the session closes
	calls  map[string]*call
	at     time.Time     // when the last entry was received
	every  time.Duration // between heartbeats, once there was one
}

// kindNumber is a kind in two bytes, since there is one for each event of a session: its place in the catalog, from 1; 0 is a kind that is not there.
type kindNumber uint16

var kindNumbers = func() map[event.Kind]kindNumber {
	numbers := map[event.Kind]kindNumber{}
	for _, c := range event.Catalog() {
		numbers[c.Kind] = kindNumber(len(numbers) + 1)
	}
	return numbers
}()

func (n kindNumber) kind() event.Kind {
	if n == 0 {
		return ""
	}
	return event.Catalog()[n-1].Kind
}

// call is one tool call that has no result yet.
type call struct {
	allowed map[event.ID]event.Hash // decisions that allow it, with the digest each is bound to
	started *event.Seq
	id      event.ID
}

// number checks the dense sequence of the session.
func (f findings) number(st *story, index event.Seq, s stored, h entryHead) {
	if s.sessionSeq != st.last+1 {
		f.about(SeverityError, CodeSessionGap, index, h, fmt.Sprintf("number %d of the session follows %d", s.sessionSeq, st.last))
	}
	if h.Seq != 0 && h.Seq != s.sessionSeq {
		f.about(SeverityError, CodeSessionGap, index, h, fmt.Sprintf("the producer gave number %d, the ledger %d", h.Seq, s.sessionSeq))
	}
	st.last, st.index, st.closed = s.sessionSeq, index, h.Kind == event.SessionClosed
}

// tell follows the session's calls. e is nil when the event could not be read.
func (f findings) tell(st *story, index event.Seq, s stored, h entryHead, e *event.Event) {
	if e == nil {
		return
	}
	f.beat(st, index, s, h)
	st.work = st.work || e.Actor != event.System && !keeps(e.Kind)
	switch p := e.Payload.(type) {
	case *event.ConversationStartsPayload:
		st.begun, st.by = true, p.Originator
	case *event.ToolDecisionPayload:
		if p.Outcome == "allow" {
			c := st.call(e.Call)
			c.allowed[e.ID] = p.Digest
		}
	case *event.ExecStartedPayload:
		f.started(st, index, h, e, p)
	case *event.ToolResultPayload:
		if p.Status != "running" {
			delete(st.calls, e.Call)
		}
	case *event.SessionHeartbeatPayload:
		st.every = time.Duration(max(p.Every, 0)) * time.Millisecond
		f.counted(st, index, s, h, p.Events, p.Counts)
	case *event.SessionClosedPayload:
		f.closed(st, index, s, h, p)
	}
	if h.Seq != 0 && h.Kind != event.SessionClosed {
		st.kinds = append(st.kinds, kindNumbers[h.Kind])
	}
}

func (st *story) call(id string) *call {
	if c, ok := st.calls[id]; ok {
		return c
	}
	if st.calls == nil {
		st.calls = map[string]*call{}
	}
	c := &call{allowed: map[event.ID]event.Hash{}}
	st.calls[id] = c
	return c
}

// started demands that the decision the event names was recorded before, for the same call and the same action.
func (f findings) started(st *story, index event.Seq, h entryHead, e *event.Event, p *event.ExecStartedPayload) {
	c := st.call(e.Call)
	c.started, c.id = &index, e.ID
	switch digest, ok := c.allowed[p.Decision]; {
	case !ok:
		f.about(SeverityError, CodeStartedUndecided, index, h, fmt.Sprintf("call %q was started without a decision before it that allows it: it names %q", e.Call, p.Decision))
	case digest != p.Digest:
		f.about(SeverityError, CodeStartedUndecided, index, h, fmt.Sprintf("call %q was started with action %s, decision %s allows %s", e.Call, p.Digest, p.Decision, digest))
	}
}

// closed compares the counts of session_closed with the events before it: those that the closing
// process sent are the last ones that carry a number.
func (f findings) closed(st *story, index event.Seq, s stored, h entryHead, p *event.SessionClosedPayload) {
	f.counted(st, index, s, h, p.Events, p.Counts)
	for _, id := range st.openCalls() {
		c := st.calls[id]
		open := at(CodeStartedUnresolved, *c.started, fmt.Sprintf("call %q was started and has no result", id))
		open.ID, open.Session = c.id, h.Session
		if slices.Contains(p.OpenCalls, id) {
			f.add(SeverityNote, open)
		} else {
			open.Message += ", and session_closed does not list it"
			f.add(SeverityError, open)
		}
	}
	st.kinds, st.calls, st.every = nil, nil, 0
}

// counted compares what an event says of those before it with what is there.
func (f findings) counted(st *story, index event.Seq, s stored, h entryHead, events uint64, counts map[event.Kind]uint64) {
	if events != s.sessionSeq {
		f.about(SeverityError, CodeClosedNumber, index, h, fmt.Sprintf("the session says it has %d events, this is number %d", events, s.sessionSeq))
	}
	var total uint64
	for _, n := range counts {
		total += n
	}
	if total > uint64(len(st.kinds)) {
		f.about(SeverityError, CodeClosedCounts, index, h, fmt.Sprintf("the session counts %d events before its end, %d are there", total, len(st.kinds)))
	} else {
		got := map[event.Kind]uint64{}
		for _, k := range st.kinds[uint64(len(st.kinds))-total:] {
			got[k.kind()]++
		}
		for _, k := range sortedKinds(got, counts) {
			if got[k] != counts[k] {
				f.about(SeverityError, CodeClosedCounts, index, h, fmt.Sprintf("the session counts %d of %s, %d are there", counts[k], k, got[k]))
			}
		}
	}
}

// beat looks for silence: an open session whose heartbeats came is not heard of for longer than two of them.
func (f findings) beat(st *story, index event.Seq, s stored, h entryHead) {
	if silent := s.received.Sub(st.at); st.every > 0 && silent > 2*st.every {
		f.about(SeverityWarning, CodeHeartbeatOverdue, index, h, fmt.Sprintf("nothing was recorded for %v before this, a heartbeat was due every %v: the process stood still, or its clock went ahead", silent.Round(time.Second), st.every))
	}
	st.at = s.received
}

func (st *story) openCalls() []string {
	var ids []string
	for id, c := range st.calls {
		if c.started != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func sortedKinds(a, b map[event.Kind]uint64) []event.Kind {
	var kinds []event.Kind
	for k := range a {
		kinds = append(kinds, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// unclosed tells sessions that run from sessions that were cut off. An interrupted session that
// nobody recovered yet is a warning: the record of it is whole, its end is not. Sessions in which
// only the system speaks never close.
func (v *verifier) unclosed() {
	var names []string
	for name, st := range v.sessions {
		if !st.closed && st.work {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		st := v.sessions[name]
		last, err := v.decoder.at(st.index)
		severity, code, state := SeverityWarning, CodeSessionUnclosed, "was cut off: it has no session_closed"
		if err == nil && v.now.Sub(last.Received) < max(v.opts.OpenFor, 2*st.every) {
			severity, code, state = SeverityNote, CodeSessionOpen, "seems to be running"
		}
		f := at(code, st.index, fmt.Sprintf("session %s %s; its last event is number %d", name, state, st.last))
		f.ID, f.Session = last.ID, name
		v.add(severity, f)
		if severity == SeverityWarning && st.every > 0 {
			over := at(CodeHeartbeatOverdue, st.index, fmt.Sprintf("session %s has been silent for %v, a heartbeat was due every %v: it is lost, or stands still", name, v.now.Sub(st.at).Round(time.Second), st.every))
			over.ID, over.Session = last.ID, name
			v.add(severity, over)
		}
		for _, id := range st.openCalls() {
			f := at(CodeStartedUnresolved, *st.calls[id].started, fmt.Sprintf("call %q was started and has no result", id))
			f.ID, f.Session = st.calls[id].id, name
			v.add(severity, f)
		}
	}
}
