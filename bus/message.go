package bus

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// message is what travels to the ledger at once: submissions in their order, each behind its length.
type message struct {
	subject string
	data    []byte
	parts   []*submission
}

// gather puts a submission into the last message that is not on its way, or a new one. It is called with the lock held.
func (b *Bus) gather(s *submission, first *event.Event, batch []event.Encoded) {
	var m *message
	if n := len(b.queue); n > 0 {
		m = b.queue[n-1]
	}
	if m == nil || len(m.parts) == maxParts || len(m.data)+4+s.size > MaxBatch {
		m = b.fresh()
		m.subject = subject(produced, first.Session, first.Kind)
		b.queue = append(b.queue, m)
	}
	m.data = appendFrames(appendLength(slices.Grow(m.data, 4+s.size), s.size), batch)
	m.parts = append(m.parts, s)
}

// maxSpare bounds the data of a message that is kept for the next ones, in bytes.
const maxSpare = 256 << 10

// fresh is a message without submissions. The lock is held, as for keep.
func (b *Bus) fresh() *message {
	n := len(b.spare)
	if n == 0 {
		return &message{}
	}
	m := b.spare[n-1]
	b.spare = b.spare[:n-1]
	return m
}

// keep takes a message back that is answered.
func (b *Bus) keep(m *message) {
	if len(b.spare) > pipeline || cap(m.data) > maxSpare {
		return
	}
	clear(m.parts)
	m.data, m.parts = m.data[:0], m.parts[:0]
	b.spare = append(b.spare, m)
}

// pipeline is how many messages may be on their way: one that the ledger commits, one that it finds
// when it is done. What is submitted meanwhile travels together in the next message.
const pipeline = 2

// send publishes what is queued, in order. It is called with the lock held, and gives it up while it publishes.
// What a broken link does not take stays queued for the next one.
func (b *Bus) send() {
	for !b.sending && b.link != nil && len(b.outstanding) < pipeline && len(b.queue) > 0 {
		m, l := b.queue[0], b.link
		b.queue = slices.Delete(b.queue, 0, 1)
		b.next++
		number := b.next
		b.outstanding[number] = m
		msg := &nats.Msg{Subject: m.subject, Reply: l.inbox + "." + strconv.FormatUint(number, 36), Data: m.data}
		b.sending = true
		b.mu.Unlock()
		err := l.conn.PublishMsg(msg)
		b.mu.Lock()
		b.sending = false
		if err == nil || b.outstanding[number] != m { // the link was lost meanwhile, and the message queued again or ended
			continue
		}
		delete(b.outstanding, number)
		if errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject) {
			m.finish(fmt.Errorf("submit: %w", err))
			continue
		}
		b.queue = slices.Insert(b.queue, 0, m)
		if b.Err() == nil {
			b.work.Go(l.conn.Close) // if it is not closed already; linkLost hears of it
		}
		return
	}
}

func (m *message) finish(err error) {
	for _, s := range m.parts {
		s.finish(nil, err)
	}
}

// number is that of the message of this link which is answered on subject.
func (l *link) number(subject string) (uint64, bool) {
	rest, ok := strings.CutPrefix(subject, l.inbox+".")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(rest, 36, 64)
	return n, err == nil
}

// answered gets the answers of a ledger in another process, in one goroutine for each link.
func (b *Bus) answered(l *link, msg *nats.Msg) {
	number, ok := l.number(msg.Subject)
	if !ok {
		b.log.Error("answer on an unknown subject", "subject", msg.Subject)
		return
	}
	outcomes, err := decodeAnswers(msg.Data)
	if err == nil {
		err = fmt.Errorf("%w: no answer to a submission", errFrame)
	}
	b.settle(l, number, outcomes, err)
}

// settle ends the submissions of a message with their outcomes; those that have none, with err.
func (b *Bus) settle(l *link, number uint64, outcomes []outcome, err error) {
	b.mu.Lock()
	m := b.outstanding[number]
	if m == nil || b.link != l && b.join != nil { // sent again already: the answer to that counts
		b.mu.Unlock()
		return
	}
	delete(b.outstanding, number)
	b.mu.Unlock()
	for i, s := range m.parts {
		o := outcome{err: err}
		if i < len(outcomes) {
			o = outcomes[i]
		}
		if o.err != nil {
			o.err = fmt.Errorf("ledger: %w", o.err)
		}
		s.finish(o.receipts, o.err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(m)
	if len(b.queue) > 0 && b.Err() == nil {
		b.work.Go(b.sendMore)
	}
}

// sendMore sends what was gathered, without holding up who settled: that may be the ledger.
func (b *Bus) sendMore() {
	runtime.Gosched() // those that are answered submit their next events now
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
}
