package bus

import (
	"context"
	"errors"
	"fmt"
)

// asked is a topic below what guests may ask and answer; no session id holds a dollar sign.
const asked = lent + "$ask."

// ErrNobody means that no process answers a topic.
var ErrNobody = errors.New("no process answers")

// Answer answers what processes of this ledger ask about a topic, a word: one question at a time, in one goroutine. By
// convention one process answers a topic, the owner. An answer must come within a minute. After stop returned f is not called any more.
func (b *Bus) Answer(topic string, f func(question []byte) []byte) (stop func(), err error) {
	stop, err = b.serve(asked+topic, f)
	if err != nil {
		return nil, fmt.Errorf("answer %s: %w", topic, err)
	}
	return stop, nil
}

// Ask asks about a topic and waits for the answer, at most a minute. ErrNobody after three seconds in which nobody was there to answer. A question may
// be answered twice when the process that answers changes meanwhile.
func (b *Bus) Ask(ctx context.Context, topic string, question []byte) ([]byte, error) {
	answer, err := b.ask(ctx, asked+topic, question)
	if errors.Is(err, ErrNotLent) {
		err = ErrNobody
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", topic, err)
	}
	return answer, nil
}
