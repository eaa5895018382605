package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
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
	l.queue.close()
	// The barrier comes after everything that was taken.
	err := l.write(context.Background(), true, func(batch) error { return nil })
	if err == nil {
		_, err = l.Checkpoint(context.Background())
	}
	close(l.closing)
	l.tail.wake()
	l.queue.stop()
	if l.queue.failure() != nil {
		return errors.Join(err, l.closeFailed())
	}
	l.work.Wait()
	return errors.Join(err, l.release())
}

// closeFailed gives Pebble a bounded time: a goroutine may be stuck in a commit for ever.
func (l *Ledger) closeFailed() error {
	released := make(chan error, 1)
	go func() {
		l.work.Wait()
		released <- l.release()
	}()
	select {
	case err := <-released:
		return err
	case <-time.After(stuckAfter):
		return errors.New("the store does not answer; the directory stays locked until this process ends")
	}
}

// release closes the database once no reader is left.
func (l *Ledger) release() (err error) {
	l.use.Lock()
	defer l.use.Unlock()
	l.gone = true
	defer func() {
		if r := recover(); r != nil { // Pebble panics when it is closed after a failed commit
			err = fmt.Errorf("close store: %v", r)
		}
		_ = l.opts.FS.Remove(l.opts.FS.PathJoin(l.dir, ownerFile)) // a stale one only names a pid
		err = errors.Join(err, l.lock.Close())
	}()
	return l.db.Close()
}
