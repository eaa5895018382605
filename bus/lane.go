package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"proctor/event"
)

// ErrMoved means that a session went on elsewhere: another process writes it, or this one did not know its newest events. Nothing
// was recorded; load the session again.
var ErrMoved error = event.Fault{Code: "moved", Text: "the session went on elsewhere"}

// lane is one session on its way to a cluster: one message at a time, so that nothing overtakes. What is submitted meanwhile
// travels in the next message.
type lane struct {
	session   string
	partition int
	// The goroutine that sends has the next two.
	known bool   // last was read, or acknowledged
	last  uint64 // number of the session's newest message in its stream

	// Guarded by the bus's mu.
	queue   []*submission
	sending bool
	broken  error // why nothing more can be sent
}

// acknowledgeWithin is how long the answer to one message is waited for before it is sent again. A leader that died takes answers with it.
const acknowledgeWithin = 2 * time.Second

// laneEvents bounds the events of one message; a ledger takes as many at once.
const laneEvents = 4096

// laneSubmission is what a lane needs to know of a submission.
type laneSubmission struct {
	session string
	ids     []event.ID
	seqs    []uint64
	kinds   []event.Kind
	batch   []event.Encoded
	told    map[int]event.Encoded // those that watchers may wait for
}

func newLaneSubmission(events []*event.Event, batch []event.Encoded) (*laneSubmission, error) {
	if len(events) > laneEvents {
		return nil, fmt.Errorf("submit %d events, at most %d are allowed on a cluster: %w", len(events), laneEvents, ErrTooLarge)
	}
	s := &laneSubmission{session: events[0].Session, batch: batch, told: map[int]event.Encoded{}}
	for i, e := range events {
		switch {
		case e.Session != s.session:
			return nil, fmt.Errorf("submit events of sessions %s and %s: on a cluster each goes its own way", s.session, e.Session)
		case slices.Contains(told, e.Kind):
			s.told[i] = batch[i]
		}
		s.ids, s.seqs, s.kinds = append(s.ids, e.ID), append(s.seqs, e.Seq), append(s.kinds, e.Kind)
	}
	return s, nil
}

// enqueue is called with the bus's lock held.
func (c *cluster) enqueue(s *submission) {
	l := c.lanes[s.lane.session]
	if l == nil {
		l = &lane{session: s.lane.session, partition: partitionOf(s.lane.session, c.partitions)}
		c.lanes[s.lane.session] = l
	}
	if l.broken != nil {
		s.finish(nil, l.broken)
		return
	}
	l.queue = append(l.queue, s)
	if !l.sending {
		l.sending = true
		c.b.work.Go(func() { c.drain(l) })
	}
}

// drain sends what a lane has until it has nothing.
func (c *cluster) drain(l *lane) {
	for {
		sent := c.next(l)
		if sent == nil {
			return
		}
		number, err := c.put(l, sent)
		if err != nil {
			c.fail(l, sent, err)
			continue
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		for _, s := range sent {
			receipts := make([]event.Receipt, s.events)
			for i := range receipts {
				receipts[i] = event.Receipt{ID: s.lane.ids[i], SessionSeq: s.lane.seqs[i], Received: now, Message: number}
			}
			c.announce(s.lane, receipts)
			s.finish(receipts, nil)
		}
	}
}

// abandon ends what waits; the bus's lock is held.
func (c *cluster) abandon(cause error) {
	c.cancel()
	for _, l := range c.lanes {
		for _, s := range l.queue {
			s.finish(nil, cause)
		}
		l.queue, l.broken = nil, cause
	}
}

// next takes what travels in the next message off the queue; nil ends the sending.
func (c *cluster) next(l *lane) []*submission {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	n := fitting(l.queue)
	if n == 0 {
		l.sending = false
		return nil
	}
	sent := l.queue[:n:n]
	l.queue = l.queue[n:]
	return sent
}

// fail ends what was sent, and the lane: what comes behind would leave a gap.
func (c *cluster) fail(l *lane, sent []*submission, err error) {
	err = fmt.Errorf("record in session %s on cluster %s: %w", l.session, c, err)
	for _, s := range sent {
		s.finish(nil, err)
	}
	c.b.mu.Lock()
	l.broken = err
	for _, s := range l.queue {
		s.finish(nil, err)
	}
	l.queue = nil
	c.b.mu.Unlock()
	if errors.Is(err, ErrNoOwner) { // no other session fares better
		c.b.markClosed(err)
	}
}

// put publishes one message until the cluster acknowledges it, and returns its number.
func (c *cluster) put(l *lane, sent []*submission) (number uint64, err error) {
	msg := &nats.Msg{
		Subject: recordSubject(l.partition, l.session), Data: joined(sent), Header: nats.Header{nats.MsgIdHdr: {string(sent[0].lane.ids[0])}},
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.Patience)
	defer cancel()
	for wait := reconnectEvery / 4; ; wait = min(2*wait, time.Second) {
		number, err = c.once(ctx, l, sent[0].lane.seqs[0], msg)
		final, ok := errors.AsType[fatal](err)
		switch {
		case err == nil:
			l.known, l.last = true, number
			return number, nil
		case ok:
			return 0, final.error
		case c.b.Err() != nil:
			return 0, c.b.Err()
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // not a secret
		case <-ctx.Done():
			if c.b.Err() != nil {
				return 0, c.b.Err()
			}
			return 0, fmt.Errorf("%w within %s: %w", ErrNoOwner, c.opts.Patience, err)
		}
	}
}

// once publishes, and finds out what a refusal means: the message must follow the newest of its session.
func (c *cluster) once(ctx context.Context, l *lane, first uint64, msg *nats.Msg) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, acknowledgeWithin)
	defer cancel()
	if !l.known {
		newest, err := c.newest(ctx, l)
		if err != nil {
			return 0, err
		}
		if newest.id == msg.Header.Get(nats.MsgIdHdr) { // sent before, and the answer was lost
			return newest.number, nil
		}
		if newest.number > 0 && first > 0 && newest.seq+1 != first {
			return 0, fatal{fmt.Errorf("its newest event is number %d, the next one would be %d: %w", newest.seq, first, ErrMoved)}
		}
		l.known, l.last = true, newest.number
	}
	ack, err := c.js.PublishMsg(ctx, msg, jetstream.WithExpectStream(streamName(l.partition)), jetstream.WithExpectLastSequencePerSubject(l.last),
		jetstream.WithRetryAttempts(0))
	switch {
	case err == nil:
		return ack.Sequence, nil
	case errors.Is(err, nats.ErrMaxPayload):
		return 0, fatal{fmt.Errorf("%w: %w", ErrTooLarge, err)}
	}
	if refusal, ok := errors.AsType[*jetstream.APIError](err); ok && refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		ok && refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant {
		return c.overtaken(ctx, l, msg, err)
	}
	return 0, err
}

// overtaken looks what stands in the place of a message.
func (c *cluster) overtaken(ctx context.Context, l *lane, msg *nats.Msg, refused error) (uint64, error) {
	newest, err := c.newest(ctx, l)
	switch {
	case err != nil:
		return 0, err
	case newest.number > 0 && newest.id == msg.Header.Get(nats.MsgIdHdr):
		return newest.number, nil
	case newest.number == 0 && newest.first > l.last: // a ledger has it, and the stream let go of it: the next one follows none
		l.last = 0
	case newest.number > l.last:
		return 0, fatal{fmt.Errorf("message %d of stream %s is not from here: %w", newest.number, streamName(l.partition), ErrMoved)}
	}
	return 0, refused // a server that has not caught up yet
}

// newestMessage is the last message of a session in its stream; number 0 when there is none.
type newestMessage struct {
	number, seq uint64
	id          string
	first       uint64 // of the stream
}

func (c *cluster) newest(ctx context.Context, l *lane) (newestMessage, error) {
	s, err := c.js.Stream(ctx, streamName(l.partition))
	if err != nil {
		return newestMessage{}, err
	}
	first := s.CachedInfo().State.FirstSeq
	raw, err := s.GetLastMsgForSubject(ctx, recordSubject(l.partition, l.session))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return newestMessage{first: first}, nil
	}
	if err != nil {
		return newestMessage{}, err
	}
	batch, err := decodeFrames(raw.Data)
	if err != nil {
		return newestMessage{}, fatal{fmt.Errorf("message %d of stream %s: %w", raw.Sequence, streamName(l.partition), err)}
	}
	head, err := event.ParseHead(batch[len(batch)-1].Public)
	if err != nil {
		return newestMessage{}, fatal{fmt.Errorf("message %d of stream %s: %w", raw.Sequence, streamName(l.partition), err)}
	}
	return newestMessage{raw.Sequence, head.Seq, raw.Header.Get(nats.MsgIdHdr), first}, nil
}

// fitting is how many submissions travel in the next message.
func fitting(queue []*submission) (n int) {
	for events, size := 0, 0; n < len(queue); n++ {
		events, size = events+queue[n].events, size+queue[n].size
		if n > 0 && (events > laneEvents || size > MaxBatch) {
			break
		}
	}
	return n
}

// joined makes one message of submissions.
func joined(sent []*submission) []byte {
	n := 1
	for _, s := range sent {
		n += s.size - 1
	}
	data := append(make([]byte, 0, n), frameVersion)
	for _, s := range sent {
		data = appendEvents(data, s.lane.batch)
	}
	return data
}
