package executor

import (
	"encoding/json"
	"slices"

	"proctor/event"
	"proctor/executor/approval"
)

// State is what a session had reached: a fold over its events.
type State struct {
	Session string
	// Last is the number of the last event, Start the payload of the first conversation_starts.
	Last  uint64
	Start *event.ConversationStartsPayload
	// History is the conversation; Complete is false when some of it was erased, then it cannot be resumed.
	History  []json.RawMessage
	Complete bool
	Usage    event.Usage
	Results  int64
	// Closed tells whether the last event is session_closed; Counts are the events since the one before.
	Closed bool
	Counts map[event.Kind]uint64
	// Standing are the approvals that count for more than one call.
	Standing approval.Standing
	// Turn is the turn that was running, empty between turns.
	Turn string

	open    []openCall        // started, no result, in order
	reviews []openReview      // asked for, not answered, in order
	policy  string            // digest of what decided last
	pending map[string]string // call id to type of calls that have no output item yet
	calls   []string          // ids of pending in order of the calls
}

type openCall struct {
	turn, call string
	started    event.ID
	payload    *event.ExecStartedPayload
}

// Fold adds one event to a state. The zero State is where every session begins.
func Fold(st State, e *event.Event) State {
	if st.Last == 0 {
		st.Session, st.Complete, st.Counts, st.pending = e.Session, true, map[event.Kind]uint64{}, map[string]string{}
	}
	st.Last = e.Seq
	if st.Closed {
		st.Closed, st.Counts = false, map[event.Kind]uint64{}
	}
	st.Counts[e.Kind]++
	st.Standing.Add(e)
	st.review(e)
	switch p := e.Payload.(type) {
	case *event.ConversationStartsPayload:
		if st.Start == nil {
			st.Start = p
		}
	case *event.HistoryItemPayload:
		st.item(p)
	case *event.TurnStartedPayload:
		st.Turn = e.Turn
	case *event.TurnCompletedPayload:
		st.Turn, st.Usage = "", p.Thread
	case *event.ExecStartedPayload:
		st.open = append(st.open, openCall{e.Turn, e.Call, e.ID, p})
	case *event.ToolResultPayload:
		st.Results = max(st.Results, p.ResultSeq)
		if p.Status != Running {
			st.open = slices.DeleteFunc(st.open, func(o openCall) bool { return o.call == p.CallID })
		}
	case *event.SessionClosedPayload:
		st.Closed = true
	}
	return st
}

func (st *State) item(p *event.HistoryItemPayload) {
	text, ok := p.Item.Reveal()
	if !ok {
		st.Complete = false
		return
	}
	item := json.RawMessage(text)
	st.History = append(st.History, item)
	switch id := callOf(item); p.ItemType {
	case callType, customCallType:
		st.pending[id] = p.ItemType
		st.calls = append(st.calls, id)
	case outputType, customOutputType:
		delete(st.pending, id)
	}
}

// OpenCalls are the ids of calls that were started and have no result.
func (st *State) OpenCalls() []string {
	ids := make([]string, len(st.open))
	for i, o := range st.open {
		ids[i] = o.call
	}
	return ids
}

// Missing are output items for the calls that were never answered, so that the
// conversation is complete again: the model is told that they were interrupted.
func (st *State) Missing() []json.RawMessage {
	var items []json.RawMessage
	for _, id := range st.calls {
		if kind, ok := st.pending[id]; ok {
			items = append(items, output(kind == customCallType, id, interruptedText, nil))
		}
	}
	return items
}

const interruptedText = "The call was interrupted: the process that ran it ended before there was a result. " +
	"It may have had a part of its effects; look before you repeat it."
