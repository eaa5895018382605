package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"proctor/event"
)

// op is one thing for the committer: events of one submission, or a write of the ledger's own.
type op struct {
	events []prepared
	bytes  int
	// refused is why the events cannot be recorded whatever the state; the op only keeps its place in the order.
	refused error
	// write adds own changes to the batch, in the committer's goroutine. noSync marks those that may be lost by a crash.
	write  func(b batch) error
	noSync bool
	// keeping is the payload of the only event when the ledger acts on it.
	keeping event.Payload
	// span is what the events stand for when they come from a numbered source.
	span *event.Span
	done func([]event.Receipt, error)
	// pack: contents are packed, in the caller's goroutine.
	pack bool

	receipts []event.Receipt
	err      error
}

// prepared is one event on its way. The committer fills in the second half.
type prepared struct {
	head    entryHead
	key     idKey
	public  []byte
	content []byte

	index      event.Seq
	sessionSeq uint64
	leaf       event.Hash
	same       *prepared      // an earlier event of the group with the same id
	known      *event.Receipt // a committed event with the same id
	received   time.Time
}

// newOp checks a submission in the caller's goroutine, so that the committer has little left to do.
func (l *Ledger) newOp(encoded []event.Encoded, done func([]event.Receipt, error)) *op {
	o, ok := l.startOp(len(encoded), done)
	if !ok {
		return o
	}
	for i, enc := range encoded {
		head, err := check(enc)
		if err == nil {
			err = o.add(i, head, enc)
		}
		if err == nil && keeps(head.Kind) {
			err = o.keep(enc)
		}
		if err != nil {
			o.refuse(err)
			return o
		}
	}
	o.bound()
	return o
}

// encodeOp is newOp for events that this process makes: what Encode wrote needs no second check.
func (l *Ledger) encodeOp(events []*event.Event, done func([]event.Receipt, error)) *op {
	o, ok := l.startOp(len(events), done)
	if !ok {
		return o
	}
	for i, e := range events {
		enc, err := event.Encode(e)
		if err == nil {
			err = o.add(i, entryHead{ID: e.ID, Kind: e.Kind, Session: e.Session, Seq: e.Seq}, enc)
		}
		if err == nil && keeps(e.Kind) {
			err = o.keep(enc)
		}
		if err != nil {
			o.refuse(err)
			return o
		}
	}
	o.bound()
	return o
}

// check reads the envelope. The payload is what event.Encode wrote, or Verify finds it:
// decoding every payload here would cost more than recording it.
func check(enc event.Encoded) (entryHead, error) {
	if len(enc.Public) > event.MaxPublic {
		return entryHead{}, fmt.Errorf("event of %d bytes, at most %d are allowed: %w", len(enc.Public), event.MaxPublic, event.ErrTooLarge)
	}
	if len(enc.Content) > maxContent {
		return entryHead{}, fmt.Errorf("event with %d bytes of content, at most %d are allowed: %w", len(enc.Content), maxContent, event.ErrTooLarge)
	}
	if h, ok := scanHead(enc.Public); ok {
		return h, nil
	}
	h, err := event.ParseHead(enc.Public)
	if err != nil {
		return entryHead{}, err
	}
	if !json.Valid(enc.Public) || bytes.ContainsAny(enc.Public, "\r\n") || enc.Public[0] != '{' || enc.Public[len(enc.Public)-1] != '}' {
		return entryHead{}, fmt.Errorf("event %s: public part is not one compact JSON object", h.ID)
	}
	return entryHead{ID: h.ID, Kind: h.Kind, Session: h.Session, Seq: h.Seq, Call: h.Call}, nil
}

// maxContent bounds encoded content: escaping may make text six times as long.
const maxContent = 6*event.MaxContent + 4096

func (o *op) add(i int, head entryHead, enc event.Encoded) error {
	key, err := newIDKey(head.ID)
	if err != nil {
		return fmt.Errorf("event %s: %w", head.ID, err)
	}
	o.events[i] = prepared{head: head, key: key, public: enc.Public, content: enc.Content}
	if o.pack {
		o.events[i].content = pack(enc.Content)
	}
	o.bytes += len(enc.Public) + len(enc.Content)
	return nil
}

// bound checks the size of the submission.
func (o *op) bound() {
	if o.bytes > MaxBatchBytes {
		o.refuse(fmt.Errorf("submission of %d bytes, at most %d are allowed: %w", o.bytes, MaxBatchBytes, event.ErrTooLarge))
	}
}

// startOp makes an op for n events; false when they are too many.
func (l *Ledger) startOp(n int, done func([]event.Receipt, error)) (*op, bool) {
	o := &op{done: done, pack: l.format >= packedFrom}
	if n > MaxBatchEvents {
		o.refuse(fmt.Errorf("submission of %d events, at most %d are allowed: %w", n, MaxBatchEvents, event.ErrTooLarge))
		return o, false
	}
	o.events = make([]prepared, n)
	return o, true
}

func (o *op) refuse(err error) {
	o.refused, o.events, o.bytes = err, nil, 0
}

func (o *op) answer(err error) {
	if err == nil {
		err = o.err
	}
	if err != nil {
		o.receipts = nil
	}
	o.done(o.receipts, err)
}

func (p *prepared) receipt() event.Receipt {
	switch {
	case p.known != nil:
		return *p.known
	case p.same != nil:
		return p.same.receipt()
	}
	return event.Receipt{ID: p.head.ID, Seq: p.index, SessionSeq: p.sessionSeq, Leaf: p.leaf, Received: p.received}
}
