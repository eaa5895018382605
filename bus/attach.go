package bus

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// Ledger commits events. Submit queues one batch, all or none, and calls done
// once, after the commit or with the reason why nothing was committed.
type Ledger interface {
	Submit(batch []event.Encoded, done func([]event.Receipt, error))
}

// Attach feeds l with everything that is submitted from now on. One ledger is
// attached to a bus; detach waits for nothing. A bus of Join attaches its own.
func (b *Bus) Attach(l Ledger) (detach func(), err error) {
	b.mu.Lock()
	to := b.link
	b.mu.Unlock()
	if to == nil {
		return nil, ErrClosed
	}
	if err := b.attach(to, l); err != nil {
		return nil, err
	}
	return func() { _ = to.ledger.Unsubscribe() }, nil
}

func (b *Bus) attach(to *link, l Ledger) error {
	sub, err := to.conn.Subscribe(produced+">", func(msg *nats.Msg) { b.commit(to, l, msg) })
	if err == nil {
		err = sub.SetPendingLimits(-1, -1) // bounded by the window of Submit, and for guests by the door
	}
	if err == nil {
		err = to.conn.Flush()
	}
	if err != nil {
		return fmt.Errorf("attach ledger to bus: %w", err)
	}
	to.ledger = sub
	return nil
}

// backlog is how many bytes wait for the ledger.
func (l *link) backlog() int {
	_, n, err := l.ledger.Pending()
	if err != nil {
		return 0
	}
	return n
}

// commit hands the submissions of one message to the ledger, in order, and answers when the last is settled.
func (b *Bus) commit(at *link, l Ledger, msg *nats.Msg) {
	if !strings.HasPrefix(msg.Reply, nats.InboxPrefix) { // a guest chooses it: it must not speak in our name
		b.log.Error("submission without a place for its answer", "subject", msg.Subject)
		return
	}
	parts, err := cutAll(msg.Data)
	if err != nil {
		b.log.Error("message that is no submission", "subject", msg.Subject, "error", err)
		return
	}
	a := &answers{list: make([]outcome, len(parts)), end: func(list []outcome) { b.answer(at, msg, list) }}
	a.open.Store(int64(len(parts)))
	for i, part := range parts {
		batch, err := decodeFrames(part)
		if err != nil {
			a.set(i, nil, err)
			continue
		}
		l.Submit(batch, func(receipts []event.Receipt, err error) {
			if err == nil {
				b.announce(at, batch, receipts)
			}
			a.set(i, receipts, err)
		})
	}
}

// answer tells the sender of a message what became of it: at once where that is this process, else by a message.
func (b *Bus) answer(at *link, msg *nats.Msg, list []outcome) {
	if number, own := at.number(msg.Reply); own {
		b.settle(at, number, list, nil)
		return
	}
	if err := msg.Respond(encodeAnswers(list)); err != nil && !errors.Is(err, nats.ErrConnectionClosed) { // then it is sent again, to the next owner
		b.log.Error("answer a submission", "error", err)
	}
}

// maxParts bounds the submissions of one message, far above what the window of a sender holds.
const maxParts = 1 << 16

func cutAll(data []byte) (parts [][]byte, err error) {
	for len(data) > 0 {
		if len(parts) == maxParts {
			return nil, fmt.Errorf("%w: more than %d submissions", errFrame, maxParts)
		}
		var part []byte
		if part, data, err = cutBytes(data); err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// answers collects the outcomes of the submissions of one message.
type answers struct {
	list []outcome
	open atomic.Int64
	end  func([]outcome) // gets all of them
}

// set is called once for each submission.
func (a *answers) set(i int, receipts []event.Receipt, err error) {
	a.list[i] = outcome{receipts, err}
	if a.open.Add(-1) == 0 {
		a.end(a.list)
	}
}
