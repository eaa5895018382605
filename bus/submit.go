package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// submission is one message whose answer is awaited.
type submission struct {
	events   int
	done     chan struct{}
	receipts []event.Receipt // set before done is closed
	err      error
	release  func()
}

func (s *submission) finish(receipts []event.Receipt, err error) {
	if err == nil && len(receipts) != s.events {
		err = fmt.Errorf("%w: %d receipts for %d events", errFrame, len(receipts), s.events)
	}
	s.receipts, s.err = receipts, err
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
		enc, err := event.Encode(e)
		if err != nil {
			return nil, err
		}
		batch[i] = enc
	}
	data := encodeFrames(batch)
	if len(data) > MaxBatch {
		return nil, fmt.Errorf("submit %d events of %d bytes, at most %d are allowed: %w", len(events), len(data), MaxBatch, ErrTooLarge)
	}
	weight := int64(len(data)) + 512
	if err := b.window.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("submit: the ledger does not keep up: %w", err)
	}
	s := &submission{events: len(events), done: make(chan struct{}), release: func() { b.window.Release(weight) }}
	number, ok := b.register(s)
	if !ok {
		s.release()
		return nil, ErrClosed
	}
	msg := &nats.Msg{
		Subject: subject(produced, events[0].Session, events[0].Kind),
		Reply:   b.inbox + "." + strconv.FormatUint(number, 36),
		Header:  nats.Header{nats.MsgIdHdr: {string(events[0].ID)}},
		Data:    data,
	}
	if err := b.conn.PublishMsg(msg); err != nil {
		if b.take(number) != nil {
			s.release()
		}
		return nil, fmt.Errorf("submit: %w", err)
	}
	return s, nil
}

func (b *Bus) register(s *submission) (number uint64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.closed:
		return 0, false
	default:
	}
	b.next++
	b.waiting[b.next] = s
	return b.next, true
}

func (b *Bus) take(number uint64) *submission {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.waiting[number]
	delete(b.waiting, number)
	return s
}

// answered gets the ledger's answers, in one goroutine.
func (b *Bus) answered(msg *nats.Msg) {
	number, err := strconv.ParseUint(msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:], 36, 64)
	if err != nil {
		b.log.Error("answer on an unknown subject", "subject", msg.Subject)
		return
	}
	s := b.take(number)
	if s == nil {
		return
	}
	if len(msg.Data) > 0 && msg.Data[0] == 0 {
		s.finish(nil, fmt.Errorf("ledger: %s", msg.Data[1:]))
		return
	}
	s.finish(decodeReceipts(msg.Data))
}
