package bus

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// Ledger commits events. Submit queues one batch, all or none, and calls done
// once, after the commit or with the reason why nothing was committed.
type Ledger interface {
	Submit(batch []event.Encoded, done func([]event.Receipt, error))
}

// Attach feeds l with everything that is submitted from now on. One ledger is
// attached to a bus; detach waits for nothing.
func (b *Bus) Attach(l Ledger) (detach func(), err error) {
	sub, err := b.conn.Subscribe(produced+">", func(msg *nats.Msg) { b.commit(l, msg) })
	if err == nil {
		err = sub.SetPendingLimits(-1, -1) // bounded by the window of Submit
	}
	if err == nil {
		err = b.conn.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("attach ledger to bus: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

func (b *Bus) commit(l Ledger, msg *nats.Msg) {
	batch, err := decodeFrames(msg.Data)
	if err != nil {
		b.answer(msg, encodeError(err))
		return
	}
	l.Submit(batch, func(receipts []event.Receipt, err error) {
		if err != nil {
			b.answer(msg, encodeError(err))
			return
		}
		b.announce(batch, receipts)
		b.answer(msg, encodeReceipts(receipts))
	})
}

func (b *Bus) answer(msg *nats.Msg, data []byte) {
	if err := msg.Respond(data); err != nil {
		b.log.Error("answer a submission", "error", err)
	}
}
