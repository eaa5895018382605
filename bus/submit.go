package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// submission is the events of one Submit, whose answer is awaited.
type submission struct {
	subject string
	id      event.ID
	events  int
	frames  []byte
	release func()

	lane *laneSubmission // on a cluster

	done     chan struct{}
	receipts []event.Receipt // set before done is closed
	err      error
}

func (s *submission) finish(receipts []event.Receipt, err error) {
	if err == nil && len(receipts) != s.events {
		err = fmt.Errorf("%w: %d receipts for %d events", errFrame, len(receipts), s.events)
	}
	s.receipts, s.err, s.frames, s.lane = receipts, err, nil, nil
	close(s.done)
	s.release()
}

// Wait implements event.Pending.
func (s *submission) Wait(ctx context.Context) ([]event.Receipt, error) {
	select {
	case <-s.done:
		return s.receipts, s.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Submit implements event.Sink.
func (b *Bus) Submit(ctx context.Context, events ...*event.Event) (event.Pending, error) {
	if len(events) == 0 {
		return nil, errors.New("submit: no events")
	}
	batch := make([]event.Encoded, len(events))
	for i, e := range events {
		enc, err := event.Encode(b.captured(e))
		if err != nil {
			return nil, err
		}
		batch[i] = enc
	}
	frames := encodeFrames(batch)
	if len(frames) > MaxBatch {
		return nil, fmt.Errorf("submit %d events of %d bytes, at most %d are allowed: %w", len(events), len(frames), MaxBatch, ErrTooLarge)
	}
	var lane *laneSubmission
	if b.cluster != nil {
		var err error
		if lane, err = newLaneSubmission(events, batch); err != nil {
			return nil, err
		}
	}
	weight := min(int64(len(frames))+512, b.opts.MaxInFlight)
	if err := b.window.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("submit: the ledger does not keep up: %w", err)
	}
	s := &submission{
		subject: subject(produced, events[0].Session, events[0].Kind), id: events[0].ID, events: len(events), frames: frames,
		release: func() { b.window.Release(weight) }, done: make(chan struct{}), lane: lane,
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Err(); err != nil {
		s.release()
		return nil, err
	}
	if b.cluster != nil {
		b.cluster.enqueue(s)
		return s, nil
	}
	b.queue = append(b.queue, s)
	b.send()
	return s, nil
}

// pipeline is how many messages may be on their way: one that the ledger commits, one that it finds
// when it is done. What is submitted meanwhile travels together in the next message.
const pipeline = 2

// send publishes what is queued, in order. It is called with the lock held; publishing only fills a buffer.
// What a broken link does not take stays queued for the next one.
func (b *Bus) send() {
	for b.link != nil && len(b.outstanding) < pipeline && len(b.queue) > 0 {
		sent := b.queue[:fitting(b.queue)]
		b.next++
		err := b.link.conn.PublishMsg(b.message(sent))
		if errors.Is(err, nats.ErrConnectionClosed) {
			return
		}
		b.queue = b.queue[len(sent):]
		if err != nil {
			for _, s := range sent {
				s.finish(nil, fmt.Errorf("submit: %w", err))
			}
			continue
		}
		b.outstanding[b.next] = slices.Clip(sent)
	}
}

// fitting is how many submissions travel in the next message.
func fitting(queue []*submission) (n int) {
	for size := 0; n < len(queue) && n < maxParts; n++ {
		if size += len(queue[n].frames) + 4; n > 0 && size > MaxBatch {
			break
		}
	}
	return n
}

func (b *Bus) message(sent []*submission) *nats.Msg {
	size := 0
	for _, s := range sent {
		size += len(s.frames) + 4
	}
	data := make([]byte, 0, size)
	for _, s := range sent {
		data = appendBytes(data, s.frames)
	}
	return &nats.Msg{
		Subject: sent[0].subject, Reply: b.link.inbox + "." + strconv.FormatUint(b.next, 36),
		Header: nats.Header{nats.MsgIdHdr: {string(sent[0].id)}}, Data: data,
	}
}

// answered gets the ledger's answers, in one goroutine for each link.
func (b *Bus) answered(l *link, msg *nats.Msg) {
	number, err := strconv.ParseUint(msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:], 36, 64)
	if err != nil {
		b.log.Error("answer on an unknown subject", "subject", msg.Subject)
		return
	}
	b.mu.Lock()
	if b.link != l && b.join != nil { // sent again already: the answer to that counts
		b.mu.Unlock()
		return
	}
	sent := b.outstanding[number]
	delete(b.outstanding, number)
	b.send()
	b.mu.Unlock()
	data := msg.Data
	for _, s := range sent {
		var answer []byte
		var err error
		if answer, data, err = cutBytes(data); err != nil {
			s.finish(nil, err)
			continue
		}
		s.answer(answer)
	}
}

func (s *submission) answer(data []byte) {
	if err := decodeError(data); err != nil {
		s.finish(nil, fmt.Errorf("ledger: %w", err))
		return
	}
	s.finish(decodeReceipts(data))
}
