package event

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Draft is an event before its stream fills in the rest of the envelope.
type Draft struct {
	Turn, Call string
	Cause      ID
	Actor      Actor // Executor when empty
	Payload    Payload
	// ID is made by the stream when empty. Set it to refer to an event before it is recorded.
	ID ID
	// Removals are what a Filter took out of the payload's texts before they came here.
	Removals []Removal
}

// Stream numbers and sends the events of one session. It may be used from
// several goroutines: the order in which calls get the stream's lock is the
// order of the session. Once the ledger refused events the numbering would have
// a gap, so every later call fails with the same error.
type Stream struct {
	session     string
	trace, span string
	sink        Sink
	now         func() time.Time

	mu      sync.Mutex
	last    uint64          // guarded by mu
	decided map[string]bool // approvals with an answer
	counts  map[Kind]uint64
	broken  error
	soon    []noted        // waits for company, see PublishSoon
	open    sync.WaitGroup // published, not yet known to be committed
}

// NewStream continues a session after its event number last (0 for a new one).
// Events carry trace and span as they are given, see [Event].
func NewStream(session string, last uint64, trace, span string, sink Sink, now func() time.Time) (*Stream, error) {
	if err := CheckSession(session); err != nil {
		return nil, err
	}
	return &Stream{session: session, last: last, trace: trace, span: span, sink: sink, now: now, counts: map[Kind]uint64{}, decided: map[string]bool{}}, nil
}

// Session is the id of the session.
func (s *Stream) Session() string { return s.session }

// Now is the stream's clock.
func (s *Stream) Now() time.Time { return s.now() }

// Publish hands facts over that nobody waits for. Nil means the bus accepted
// them; that they were committed is checked by the next Record or by Flush.
func (s *Stream) Publish(ctx context.Context, drafts ...Draft) error {
	pending, err := s.submit(ctx, drafts)
	if err != nil {
		return err
	}
	s.await(ctx, pending)
	return nil
}

// await follows what nobody waits for.
func (s *Stream) await(ctx context.Context, pending Pending) {
	s.open.Go(func() {
		if _, err := pending.Wait(context.WithoutCancel(ctx)); err != nil {
			_ = s.fail(err) // the next Record or Flush returns it
		}
	})
}

// Record commits drafts in one step, all or none, and returns a receipt for each.
// Nil also promises that everything published before is committed. After any error
// what the events announce must not happen. An error that wraps ErrNotRecorded means that
// the ledger is gone; the cause of ctx, that the caller gave up, and the events may still be
// on their way; ErrTooLarge, that nothing was sent and smaller events may be; ErrAnswered, that an approval has its one answer.
func (s *Stream) Record(ctx context.Context, drafts ...Draft) ([]Receipt, error) {
	pending, err := s.submit(ctx, drafts)
	if err != nil {
		return nil, err
	}
	receipts, err := pending.Wait(ctx)
	switch {
	case err == nil:
		return receipts, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, s.fail(err)
}

// Flush waits until everything published is committed.
func (s *Stream) Flush() error {
	s.mu.Lock()
	_ = s.sendSoon() // returned below
	s.mu.Unlock()
	s.open.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Counts tells how many events of each kind were sent, and the number of the last one.
func (s *Stream) Counts() (map[Kind]uint64, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.sendSoon() // the next Record returns it
	counts := make(map[Kind]uint64, len(s.counts))
	for k, n := range s.counts {
		counts[k] = n
	}
	return counts, s.last
}

func (s *Stream) submit(ctx context.Context, drafts []Draft) (Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	if err := s.answered(drafts); err != nil {
		return nil, err
	}
	if len(s.soon) > 0 && slices.ContainsFunc(drafts, heartbeat) { // it counts what was sent before it
		if err := s.sendSoon(); err != nil {
			return nil, err
		}
	}
	pending, err := s.send(ctx, drafts)
	switch { // nothing was sent: the numbers stay free
	case err == nil:
	case errors.Is(err, ErrTooLarge):
		return nil, err
	case errors.Is(err, ErrNotRecorded):
		return nil, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	default:
		return nil, notRecorded(err)
	}
	return pending, nil
}

// ErrAnswered means that an approval has its answer already: there is exactly one. Nothing was sent.
var ErrAnswered error = Fault{"answered", "the approval was answered already"}

// answered refuses a second answer to an approval.
func (s *Stream) answered(drafts []Draft) error {
	for _, d := range drafts {
		if p, ok := d.Payload.(*ApprovalDecidedPayload); ok && s.decided[p.ApprovalID] {
			return fmt.Errorf("approval %s: %w", p.ApprovalID, ErrAnswered)
		}
	}
	return nil
}

func (s *Stream) event(d Draft, seq uint64) *Event {
	if d.ID == "" {
		d.ID = NewID()
	}
	if d.Actor == "" {
		d.Actor = Executor
	}
	if p, ok := d.Payload.(*SessionHeartbeatPayload); ok {
		p.Events, p.Counts = seq, maps.Clone(s.counts)
	}
	kind := d.Payload.Kind()
	entry, _ := Lookup(kind)
	var masked *Masked
	if len(d.Removals) > 0 {
		masked = &Masked{Removals: d.Removals}
	}
	return &Event{
		Masked: masked, ID: d.ID, Kind: kind, Schema: entry.Schema, Session: s.session, Turn: d.Turn, Call: d.Call,
		Seq: seq, Time: s.now().UTC().Truncate(time.Microsecond), Cause: d.Cause, Actor: d.Actor,
		Trace: s.trace, Span: s.span, Payload: d.Payload,
	}
}

func heartbeat(d Draft) bool { return d.Payload.Kind() == SessionHeartbeat }

func (s *Stream) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = notRecorded(err)
	}
	return s.broken
}

func notRecorded(err error) error { return fmt.Errorf("%w: %w", ErrNotRecorded, err) }
