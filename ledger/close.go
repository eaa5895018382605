package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Close records what was submitted, signs a checkpoint, waits for readers and releases the
// directory. Afterwards every method fails with ErrClosed. After a failure nothing is signed,
// and when Pebble does not come back within two seconds the directory stays locked until the
// process ends. A second call returns the error of the first.
func (l *Ledger) Close() error {
	l.closeOnce.Do(func() {
		l.closeErr = l.close()
		if l.closeErr != nil {
			l.closeErr = fmt.Errorf("close ledger %q: %w", l.dir, l.closeErr)
		}
	})
	return l.closeErr
}

func (l *Ledger) close() error {
	if l.pins != nil {
		return l.closePinned()
	}
	l.queue.close()
	// The barrier comes after everything that was taken.
	err := l.write(context.Background(), true, func(batch) error { return nil })
	if err == nil {
		_, err = l.Checkpoint(context.Background())
	}
	close(l.closing)
	l.tail.wake()
	l.queue.stop()
	return errors.Join(err, l.release())
}

// release ends the goroutines, waits for readers and closes the store, in bounded time once the
// store is broken.
func (l *Ledger) release() error {
	var err error
	ok := l.health.guard(func() {
		l.work.Wait()
		l.use.Lock()
		defer l.use.Unlock()
		l.gone = true
		err = errors.Join(l.points.log.close(), l.shortenLog(), closePebble(l.db))
		_ = l.opts.FS.Remove(l.opts.FS.PathJoin(l.dir, ownerFile)) // a stale one only names a pid
		err = errors.Join(err, l.lock.Close())
	}, func() {})
	if !ok {
		return errStuck
	}
	return err
}

// longLog is how many bytes of write-ahead log may be left to the next Open, which replays them: a short run must not pay for a table of its own
// at both its ends, and replaying ten times as much takes longer than all else in Open.
const longLog = 1 << 20

func (l *Ledger) shortenLog() error {
	if l.health.err() != nil || l.db.Metrics().WAL.Size <= longLog {
		return nil
	}
	return l.db.Flush()
}

// closeStore closes the store of a ledger that did not come to be.
func (l *Ledger) closeStore() error {
	var err error
	if !l.health.guard(func() { err = errors.Join(l.points.log.close(), closePebble(l.db)) }, func() { _ = l.lock.Close() }) {
		return errStuck
	}
	return err
}

// closePebble turns the panic of a Pebble that is closed after a failed commit into an error.
func closePebble(db *pebble.DB) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("close store: %v", r)
		}
	}()
	return db.Close()
}

// lifetime ends when the ledger closes or fails, and with cancel, which must be called.
func (l *Ledger) lifetime() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	l.work.Go(func() {
		select {
		case <-l.closing:
		case <-l.down:
		case <-ctx.Done():
		}
		cancel()
	})
	return ctx, cancel
}
