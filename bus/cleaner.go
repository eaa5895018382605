package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// cleanEvery is how often a stream is looked at for messages that need not be kept.
const cleanEvery = 10 * time.Minute

// cleaner drops messages from a stream that are on the ledger's disk and older than NodeOptions.Keep.
type cleaner struct {
	in     *intake
	stream jetstream.Stream
	next   time.Time
}

// passed is told each message that the ledger has on disk, in order, in one goroutine.
func (c *cleaner) passed(f flight) {
	keep, now := c.in.n.opts.Keep, time.Now()
	if keep <= 0 || now.Before(c.next) {
		return
	}
	c.next = now.Add(cleanEvery)
	ctx, cancel := context.WithTimeout(c.in.n.c.ctx, answerWithin)
	defer cancel()
	if err := c.clean(ctx, f.number, now.Add(-keep)); err != nil {
		c.in.n.c.b.log.Warn("drop old messages", "stream", c.in.stream, "error", err)
	}
}

func (c *cleaner) clean(ctx context.Context, taken uint64, before time.Time) error {
	info, err := c.stream.Info(ctx)
	if err != nil || !info.State.FirstTime.Before(before) {
		return err
	}
	// The messages below low are old; whether those from high on are is not known, or they are not.
	low, high := info.State.FirstSeq, min(taken, info.State.LastSeq)+1
	for low < high {
		middle := low + (high-low)/2
		msg, err := c.stream.GetMsg(ctx, middle)
		switch {
		case err == nil && !msg.Time.Before(before):
			high = middle
		case err == nil || errors.Is(err, jetstream.ErrMsgNotFound):
			low = middle + 1
		default:
			return err
		}
	}
	return c.stream.Purge(ctx, jetstream.WithPurgeSequence(low))
}
