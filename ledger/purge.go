package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"proctor/event"
)

// purger removes from the files what was erased. The keys under prefixPurge say what is left to do, so that a
// process that ends on the way leaves it to the next one.
type purger struct {
	wanted chan struct{} // room for one
	mu     sync.Mutex    // held while purging
	reuse  logReuse
}

// ask wakes run; further asks before it runs are one.
func (p *purger) ask() {
	select {
	case p.wanted <- struct{}{}:
	default:
	}
}

func (p *purger) run(l *Ledger) {
	ctx, cancel := l.lifetime()
	defer cancel()
	p.ask() // a process before may have left something
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wanted:
		}
		if err := l.Purge(ctx, nil); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrFailed) {
			l.opts.Logger.Warn("purge", "dir", l.dir, "err", err)
		}
	}
}

// Unpurged lists sessions that were erased and may still be found in files by whoever searches their bytes.
func (l *Ledger) Unpurged() ([]string, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	left, err := marks(l.db, prefixPurge)
	if err != nil {
		return nil, fmt.Errorf("read what is to be purged: %w", err)
	}
	return slices.Sorted(maps.Keys(left)), nil
}

// Purge removes what was erased from the files of the store: tables are rewritten, write-ahead logs that hold it are
// deleted and not reused. It waits until these files are gone, at most ten seconds beyond the work, else it is
// ErrUnpurged. It does nothing when nothing was erased since the last time. progress may be nil.
//
// It does not reach copies of the directory, backups, and blocks that the file system or the device keeps.
func (l *Ledger) Purge(ctx context.Context, progress func(done, total uint64)) error {
	l.purges.mu.Lock()
	defer l.purges.mu.Unlock()
	if err := l.begin(); err != nil {
		return err
	}
	done := make(chan error, 1)
	l.work.Go(func() {
		defer l.end()
		done <- l.purgeMarked(ctx, progress)
	})
	select {
	case err := <-done:
		return err
	case <-l.down: // a broken store may never come back from a flush
		return l.queue.failure()
	}
}

func (l *Ledger) purgeMarked(ctx context.Context, progress func(done, total uint64)) error {
	if err := l.queue.failure(); err != nil {
		return err
	}
	left, err := marks(l.db, prefixPurge)
	if err != nil || len(left) == 0 {
		return err
	}
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	if err := l.purge(ctx, left, progress); err != nil {
		return fmt.Errorf("purge %d erased sessions: %w", len(left), err)
	}
	return l.write(ctx, false, func(b batch) error {
		for session, index := range left {
			s, err := l.committer.session(session)
			if err != nil {
				return err
			}
			if s.record.Erased != index { // erased again meanwhile
				continue
			}
			if err := b.Delete(nameKey(prefixPurge, session), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// manyRanges is from how many sessions on all content is rewritten at once.
const manyRanges = 64

func (l *Ledger) purge(ctx context.Context, left map[string]event.Seq, progress func(done, total uint64)) error {
	l.purges.reuse.off.Store(true)
	defer l.purges.reuse.off.Store(false)
	if err := l.unindex(left); err != nil {
		return fmt.Errorf("remove from the search index: %w", err)
	}
	before, err := l.storeFiles() // with the log that names what was removed from the index
	if err != nil {
		return err
	}
	ranges := eraseRanges(slices.Sorted(maps.Keys(left)))
	total := uint64(len(ranges) + maxRecycled + 1)
	for i, r := range ranges {
		if i == 0 {
			if err := l.db.Flush(); err != nil {
				return fmt.Errorf("flush: %w", err)
			}
		}
		if err := l.db.Compact(ctx, r[0], r[1], false); err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		progress(uint64(i)+1, total)
	}
	// Each flush ends a log and takes the oldest that waits to be reused, which is then removed.
	for i := range maxRecycled {
		if err := l.db.Flush(); err != nil {
			return fmt.Errorf("flush: %w", err)
		}
		progress(uint64(len(ranges)+i)+1, total)
	}
	err = l.awaitGone(ctx, before)
	progress(total, total)
	return err
}

// maxRecycled is how many logs may wait to be reused, one more than MemTableStopWritesThreshold, and the one in use.
const maxRecycled = memTables + 2

func eraseRanges(sessions []string) [][2][]byte {
	ranges := [][2][]byte{{{prefixTerm}, {prefixTerm + 1}}, {{prefixRunTerms}, {prefixRunTerms + 1}}}
	if len(sessions) >= manyRanges {
		return append(ranges, [2][]byte{{prefixKey}, {prefixKey + 1}}, [2][]byte{{prefixContent}, {prefixContent + 1}})
	}
	for _, s := range sessions {
		ranges = append(ranges,
			[2][]byte{nameKey(prefixKey, s), nameKey(prefixKey, s+"\x00")},
			[2][]byte{nameKey(prefixContent, s+"\x00"), sessionEnd(prefixContent, s)})
	}
	return ranges
}

// storeFiles are the tables and logs that are there.
func (l *Ledger) storeFiles() ([]string, error) {
	names, err := l.opts.FS.List(l.opts.FS.PathJoin(l.dir, storeDir))
	if err != nil {
		return nil, fmt.Errorf("list store: %w", err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".sst") && !strings.HasSuffix(n, ".log") }), nil
}

// awaitGone waits until Pebble has removed those of the files that the store no longer needs, and the tables that were made and
// merged meanwhile. It does so beside.
func (l *Ledger) awaitGone(ctx context.Context, before []string) error {
	made, err := l.storeFiles()
	if err != nil {
		return err
	}
	watched := map[string]bool{}
	for _, name := range before {
		watched[name] = true
	}
	for _, name := range made {
		watched[name] = watched[name] || strings.HasSuffix(name, ".sst")
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(purgePatience); ; {
		left, err := l.unneeded(watched)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: %s", ErrUnpurged, strings.Join(left, " "))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// unneeded are those of the watched files that are there and are not the store's tables.
func (l *Ledger) unneeded(watched map[string]bool) ([]string, error) {
	there, err := l.storeFiles()
	if err != nil {
		return nil, err
	}
	tables, err := l.db.SSTables()
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	needed := map[string]bool{}
	for _, level := range tables {
		for _, t := range level {
			needed[fmt.Sprintf("%s.sst", t.BackingSSTNum)] = true
		}
	}
	return slices.DeleteFunc(there, func(n string) bool { return needed[n] || !watched[n] }), nil
}

// purgePatience bounds the wait for readers, who keep the files they read from.
const purgePatience = 10 * time.Second
