package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// The search index is derived from the entries and only leads to them: what a search finds is read and compared, and
// nothing else trusts it. It is built beside recording, in runs of [runEntries] entries, each in one batch without sync; a run that is not
// there is searched entry by entry. Its words are keyed hashes, and the runs of a session go when the session is erased.
const (
	runEntries   = 1024
	indexVersion = 1
	termSize     = 8
	// indexAfter keeps the index out of runs that end soon.
	indexAfter = 2 * time.Second
	indexEvery = time.Second
	indexRest  = 4 // times as long as a run took, before the next
)

type termHash [termSize]byte

// manyTerms is the term of entries that have more than the index holds.
var manyTerms = Term{}

// indexer guards the index. Nothing of what was read before an erasure may be written after it.
type indexer struct {
	building sync.Mutex // held for one run
	mu       sync.Mutex
	erase    uint64 // counts erasures; guarded by mu
}

func (k *keys) hash(t Term) (h termHash) {
	mac := hmac.New(sha256.New, k.index)
	_, _ = mac.Write(append(append([]byte(t.Field), 0), t.Value...))
	copy(h[:], mac.Sum(nil))
	return h
}

func appendTermKey(dst []byte, h termHash, run uint64) []byte {
	return binary.BigEndian.AppendUint64(append(append(dst, prefixTerm), h[:]...), run)
}

// runMeta says that a run is in the index, and between which receive times its entries lie.
type runMeta struct{ oldest, newest time.Time }

func (m runMeta) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{indexVersion}, uint64(m.oldest.UnixMicro()))
	return binary.BigEndian.AppendUint64(b, uint64(m.newest.UnixMicro()))
}

// parseRunMeta is false for what another version wrote: the run counts as missing and is written again.
func parseRunMeta(b []byte) (m runMeta, ok bool) {
	if len(b) != 17 || b[0] != indexVersion {
		return m, false
	}
	m.oldest = time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:]))) //nolint:gosec // as encoded
	m.newest = time.UnixMicro(int64(binary.BigEndian.Uint64(b[9:]))) //nolint:gosec // as encoded
	return m, true
}

// run keeps the index up to date until the ledger closes or fails, with at most a fifth of one processor, and one run
// a second while much is recorded.
func (x *indexer) run(l *Ledger) {
	ctx, cancel := l.lifetime()
	defer cancel()
	if !sleep(ctx, indexAfter) {
		return
	}
	size := l.Tree().Size
	for {
		err := l.buildIndex(ctx, func(took time.Duration, _, _ uint64) bool {
			rest, before := indexRest*took, size
			if size = l.Tree().Size; size-before >= runEntries { // recording is at full speed, searching can wait
				rest = max(rest, indexEvery)
			}
			return sleep(ctx, rest)
		})
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
			l.opts.Logger.Warn("search index", "dir", l.dir, "err", err)
			return
		}
		if !sleep(ctx, indexEvery) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Index brings the search index up to date now. A ledger that is open for reading only cannot. progress may be nil.
func (l *Ledger) Index(ctx context.Context, progress func(done, total uint64)) error {
	err := l.buildIndex(ctx, func(_ time.Duration, done, total uint64) bool {
		if progress != nil {
			progress(done, total)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("build search index: %w", err)
	}
	return nil
}

// buildIndex writes the runs that are missing; after each it asks whether to go on.
func (l *Ledger) buildIndex(ctx context.Context, after func(took time.Duration, done, total uint64) bool) error {
	if err := l.begin(); err != nil {
		return err
	}
	defer l.end()
	if err := l.queue.failure(); err != nil {
		return err
	}
	missing, err := l.missingRuns()
	if err != nil {
		return err
	}
	for i, run := range missing {
		start := time.Now()
		if err := l.indexRun(ctx, run); err != nil {
			return fmt.Errorf("entries from %d on: %w", run*runEntries, err)
		}
		if !after(time.Since(start), uint64(i)+1, uint64(len(missing))) {
			return ctx.Err()
		}
	}
	return nil
}

// missingRuns are the complete runs that are not in the index.
func (l *Ledger) missingRuns() (missing []uint64, err error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRun}, UpperBound: []byte{prefixRun + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	valid := it.First()
	for run := range l.Tree().Size / runEntries {
		if key := numberKey(prefixRun, run); valid && string(it.Key()) == string(key) {
			if _, ok := parseRunMeta(it.Value()); !ok {
				missing = append(missing, run)
			}
			valid = it.Next()
			continue
		}
		missing = append(missing, run)
	}
	return missing, it.Error()
}

func (l *Ledger) indexRun(ctx context.Context, run uint64) error {
	l.indexes.building.Lock()
	defer l.indexes.building.Unlock()
	if meta, err := get(l.db, numberKey(prefixRun, run)); err != nil {
		return err
	} else if _, ok := parseRunMeta(meta); ok {
		return nil // by another goroutine meanwhile
	}
	for {
		before := l.indexes.erasures()
		b, err := l.runBatch(ctx, run)
		if err != nil {
			return err
		}
		written, err := l.writeRun(b, before)
		if err = errors.Join(err, b.Close()); err != nil || written {
			return err
		}
	}
}

func (x *indexer) erasures() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.erase
}

// writeRun writes what was read when so many erasures had been; false when there were more since.
func (l *Ledger) writeRun(b batch, before uint64) (bool, error) {
	l.indexes.mu.Lock()
	defer l.indexes.mu.Unlock()
	if before != l.indexes.erase {
		return false, nil
	}
	return true, l.db.Apply(b, pebble.NoSync)
}

// runBatch reads a run and makes what finds its entries.
func (l *Ledger) runBatch(ctx context.Context, run uint64) (batch, error) {
	hashes := map[Term]termHash{}
	postings := map[termHash][]byte{}
	last := map[termHash]uint64{}
	post := func(t Term, offset uint64) {
		h, ok := hashes[t]
		if !ok {
			h = l.keys.hash(t)
			hashes[t] = h
		}
		from, again := last[h]
		if again && from == offset {
			return // two terms with one hash
		}
		postings[h] = binary.AppendUvarint(postings[h], offset-from)
		last[h] = offset
	}
	var meta runMeta
	d := l.newDecoder()
	if err := d.readAhead(); err != nil {
		return nil, err
	}
	defer func() { _ = d.close() }()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: numberKey(prefixEntry, run*runEntries), UpperBound: numberKey(prefixEntry, (run+1)*runEntries)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var n uint64
	for it.First(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		received, list, full, err := d.terms(event.Seq(run*runEntries+n), it.Value())
		if err != nil {
			return nil, err
		}
		if n == 0 || received.Before(meta.oldest) {
			meta.oldest = received
		}
		if n == 0 || received.After(meta.newest) {
			meta.newest = received
		}
		for _, t := range list {
			post(t, n)
		}
		if !full {
			post(manyTerms, n)
		}
		n++
	}
	if err := it.Error(); err != nil || n != runEntries {
		return nil, errors.Join(err, fmt.Errorf("%d of %d entries: %w", n, runEntries, ErrDamaged))
	}
	return l.encodeRun(run, meta, postings)
}

// terms reads those of one stored entry, and decodes it only if its kind has more than its envelope says.
func (d *decoder) terms(index event.Seq, raw []byte) (received time.Time, list []Term, full bool, err error) {
	if s, err := parseEntry(raw); err == nil {
		if h, ok := scanHead(s.public); ok && !withTerms[h.Kind] {
			return s.received, []Term{{FieldKind, string(h.Kind)}, {FieldSession, h.Session}}, true, nil
		}
	}
	e, _, err := d.entry(index, raw)
	if err != nil {
		return received, nil, false, err
	}
	list, full = termsOf(e)
	return e.Received, list, full, nil
}

func (l *Ledger) encodeRun(run uint64, meta runMeta, postings map[termHash][]byte) (batch, error) {
	b := l.db.NewBatch()
	sorted := slices.SortedFunc(maps.Keys(postings), func(a, b termHash) int { return slices.Compare(a[:], b[:]) })
	list := make([]byte, 0, len(sorted)*termSize)
	var key []byte
	var err error
	for _, h := range sorted {
		key = appendTermKey(key[:0], h, run)
		err = errors.Join(err, b.Set(key, postings[h], nil))
		list = append(list, h[:]...)
	}
	err = errors.Join(err, b.Set(numberKey(prefixRunTerms, run), list, nil), b.Set(numberKey(prefixRun, run), meta.encode(), nil))
	return b, err
}

// unindex removes the runs that hold entries of sessions that were erased. They are built again, without what is gone.
func (l *Ledger) unindex(sessions map[string]event.Seq) error {
	l.indexes.mu.Lock()
	defer l.indexes.mu.Unlock()
	l.indexes.erase++
	b := l.db.NewBatch()
	defer b.Close()
	done := map[uint64]bool{}
	for session, erased := range sessions {
		it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: sessionKey(prefixSession, session, 0), UpperBound: sessionEnd(prefixSession, session)})
		if err != nil {
			return err
		}
		for it.First(); it.Valid(); it.Next() {
			if len(it.Value()) != 8 {
				continue // Verify names it
			}
			index := binary.BigEndian.Uint64(it.Value())
			if run := index / runEntries; index < uint64(erased) && !done[run] {
				done[run] = true
				err = errors.Join(err, l.dropRun(b, run))
			}
		}
		if err = errors.Join(err, it.Error(), it.Close()); err != nil {
			return err
		}
	}
	return l.db.Apply(b, pebble.NoSync)
}

func (l *Ledger) dropRun(b batch, run uint64) error {
	list, err := get(l.db, numberKey(prefixRunTerms, run))
	if err != nil {
		return err
	}
	for ; len(list) >= termSize; list = list[termSize:] {
		err = errors.Join(err, b.Delete(appendTermKey(nil, termHash(list), run), nil))
	}
	return errors.Join(err, b.Delete(numberKey(prefixRunTerms, run), nil), b.Delete(numberKey(prefixRun, run), nil))
}
