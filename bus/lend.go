package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// ErrNotLent means that no process lends the stream of a session: nobody runs it.
var ErrNotLent = errors.New("no process runs the session")

const (
	// lendTimeout bounds how long a borrowed record may take, the wait for a new owner included.
	lendTimeout = time.Minute
	// lendPatience is how long nobody needs to answer before nobody is there: the other process may be finding a new owner.
	lendPatience = 3 * time.Second
	// maxLent is how many borrowed submissions are remembered, so that one that is asked for again is not recorded again.
	maxLent = 256
)

// Recorder commits events of one session; *event.Stream is one.
type Recorder interface {
	Session() string
	Record(ctx context.Context, drafts ...event.Draft) ([]event.Receipt, error)
}

// Lend records in stream what other processes borrow it for, if accept returns nil for each draft of a submission. accept and stream are
// called in one goroutine. After stop returned nothing more is recorded.
func (b *Bus) Lend(stream Recorder, accept func(event.Draft) error) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &lender{ctx: ctx, stream: stream, accept: accept, known: map[event.ID][]byte{}}
	unserve, err := b.serve(lent+stream.Session(), s.answer)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("lend session %s: %w", stream.Session(), err)
	}
	return func() { cancel(); unserve() }, nil
}

// lender is one Lend; its methods run in one goroutine.
type lender struct {
	ctx    context.Context //nolint:containedctx // ends with stop
	stream Recorder
	accept func(event.Draft) error
	known  map[event.ID][]byte // answers by id of the first event
	order  []event.ID
}

func (l *lender) answer(data []byte) []byte {
	drafts, err := l.drafts(data)
	if err != nil {
		return encodeError(err)
	}
	if answer, ok := l.known[drafts[0].ID]; ok {
		return answer
	}
	for _, d := range drafts {
		if err := l.accept(d); err != nil {
			return encodeError(err)
		}
	}
	receipts, err := l.stream.Record(l.ctx, drafts...)
	if err != nil {
		return encodeError(err)
	}
	if len(l.order) == maxLent {
		delete(l.known, l.order[0])
		l.order = l.order[1:]
	}
	l.order = append(l.order, drafts[0].ID)
	l.known[drafts[0].ID] = encodeReceipts(receipts)
	return l.known[drafts[0].ID]
}

// drafts decodes a submission of the session.
func (l *lender) drafts(data []byte) ([]event.Draft, error) {
	batch, err := decodeFrames(data)
	if err != nil {
		return nil, err
	}
	var drafts []event.Draft
	for _, enc := range batch {
		e, err := event.Decode(enc)
		if err != nil {
			return nil, err
		}
		if e.Session != l.stream.Session() {
			return nil, fmt.Errorf("event %s is of session %s, not of %s", e.ID, e.Session, l.stream.Session())
		}
		drafts = append(drafts, event.Draft{Turn: e.Turn, Call: e.Call, Cause: e.Cause, Actor: e.Actor, Payload: e.Payload, ID: e.ID})
	}
	return drafts, nil
}

// Borrowed records in a session that another process, or another part of this one, runs and lends.
type Borrowed struct {
	b       *Bus
	session string
}

// Borrow returns the recorder of a session. Whether somebody lends it shows when it records.
func (b *Bus) Borrow(session string) *Borrowed { return &Borrowed{b, session} }

// Session is the id of the session.
func (r *Borrowed) Session() string { return r.session }

// Record commits drafts in one step, all or none, as [event.Stream.Record] does, in the process that runs the session.
// ErrNotLent when there is none. After a failure to reach it the outcome is unknown.
func (r *Borrowed) Record(ctx context.Context, drafts ...event.Draft) ([]event.Receipt, error) {
	data, err := r.encode(drafts)
	if err != nil {
		return nil, fmt.Errorf("record in session %s: %w", r.session, err)
	}
	answer, err := r.b.ask(ctx, lent+r.session, data)
	if err != nil {
		return nil, fmt.Errorf("record in session %s: %w", r.session, err)
	}
	if err := decodeError(answer); err != nil {
		return nil, fmt.Errorf("record in session %s: refused there: %w", r.session, err)
	}
	receipts, err := decodeReceipts(answer)
	if err == nil && len(receipts) != len(drafts) {
		err = fmt.Errorf("%w: %d receipts for %d events", errFrame, len(receipts), len(drafts))
	}
	return receipts, err
}

func (r *Borrowed) encode(drafts []event.Draft) ([]byte, error) {
	if len(drafts) == 0 {
		return nil, errors.New("no events")
	}
	if err := event.CheckSession(r.session); err != nil {
		return nil, err
	}
	batch := make([]event.Encoded, len(drafts))
	for i, d := range drafts {
		if d.ID == "" {
			d.ID = event.NewID()
		}
		if d.Actor == "" {
			d.Actor = event.User
		}
		kind := d.Payload.Kind()
		entry, _ := event.Lookup(kind)
		enc, err := event.Encode(&event.Event{
			ID: d.ID, Kind: kind, Schema: entry.Schema, Session: r.session, Turn: d.Turn, Call: d.Call, Cause: d.Cause, Actor: d.Actor,
			Time: time.Now(), Payload: d.Payload,
		})
		if err != nil {
			return nil, err
		}
		batch[i] = enc
	}
	data := encodeFrames(batch)
	if len(data) > MaxBatch {
		return nil, ErrTooLarge
	}
	return data, nil
}

// serve answers requests on a subject, on the links that come and go, in one goroutine.
func (b *Bus) serve(subject string, answer func([]byte) []byte) (stop func(), err error) {
	w := &watcher{subject: subject, d: &delivery{}}
	w.handle = func(msg *nats.Msg) {
		w.d.mu.Lock()
		defer w.d.mu.Unlock()
		if !w.d.ended {
			_ = msg.Respond(answer(msg.Data)) // a lost answer is asked for again
		}
	}
	unwatch, err := b.watch(w)
	if err != nil {
		return nil, err
	}
	return func() {
		unwatch()
		b.unserved()
	}, nil
}

// unservedWithin bounds how long who stops waits for a server that may hang.
const unservedWithin = time.Second

// unserved returns when the server knows what is not served any more: a request that it still brought here would be waited for in vain.
func (b *Bus) unserved() {
	b.mu.Lock()
	l := b.link
	b.mu.Unlock()
	if l != nil {
		_ = l.conn.FlushTimeout(unservedWithin)
	}
}

// ask sends a request until somebody answers.
func (b *Bus) ask(ctx context.Context, subject string, data []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, lendTimeout)
	defer cancel()
	for alone := time.Duration(0); ; {
		b.mu.Lock()
		l, changed := b.link, b.changed
		b.mu.Unlock()
		if l != nil {
			msg, err := l.conn.RequestWithContext(ctx, subject, data)
			switch {
			case err == nil:
				return msg.Data, nil
			case errors.Is(err, nats.ErrNoResponders) && alone >= lendPatience:
				return nil, ErrNotLent
			case ctx.Err() != nil:
				return nil, context.Cause(ctx)
			case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject):
				return nil, err
			}
		}
		select {
		case <-time.After(lendPatience / 30):
			if l != nil {
				alone += lendPatience / 30
			}
		case <-changed:
		case <-b.closed:
			return nil, b.cause
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
