package ledger

import (
	"context"

	"proctor/event"
)

// A chunk of Follow: what it reads before it calls f, so that no iterator is open meanwhile.
const (
	followEntries = 256
	followBytes   = 1 << 20
)

// Follow implements event.Reader. It delivers only what is synced. When the ledger closes it
// returns ErrClosed, perhaps before the last entries; when the ledger fails it delivers all
// that is readable and returns ErrFailed.
func (l *Ledger) Follow(ctx context.Context, from event.Seq, f func(event.Entry) error) error {
	for {
		grown := l.tail.wait() // before reading, so that nothing slips between
		failure := l.queue.failure()
		entries, err := l.chunk(ctx, from)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
			from = e.Seq + 1
			if ctx.Err() != nil {
				return nil
			}
		}
		if len(entries) > 0 {
			continue
		}
		if failure != nil {
			return failure
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.closing:
			return ErrClosed
		case <-grown:
		}
	}
}

func (l *Ledger) chunk(ctx context.Context, from event.Seq) ([]event.Entry, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	return l.read(ctx, from, followEntries, followBytes)
}
