package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Some logs lie beside the store, so that whoever reads the ledger can add to them, beside its owner too. What others
// say about checkpoints is kept there, one JSON object a line.

// early is how far the clock of whoever says something may be ahead of this machine's.
const early = 5 * time.Minute

// lockWait is how long somebody else may hold such a log.
const lockWait = 10 * time.Second

// logBeside adds a line to a log, under its lock.
func (l *Ledger) logBeside(ctx context.Context, name string, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(line) >= maxLogLine {
		return fmt.Errorf("a line of %d bytes, at most %d are read again", len(line), maxLogLine-1)
	}
	fs := l.base()
	unlock, err := waitLock(ctx, fs, fs.PathJoin(l.dir, name+".lock"))
	if err != nil {
		return err
	}
	err = appendLog(fs, l.dir, name, line)
	return errors.Join(err, unlock.Close())
}

func waitLock(ctx context.Context, fs vfs.FS, path string) (io.Closer, error) {
	for end := time.Now().Add(lockWait); ; {
		lock, err := fs.Lock(path)
		if err == nil || !held(err) {
			return lock, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s is held for longer than %v: %w", path, lockWait, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
