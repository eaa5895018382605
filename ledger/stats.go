package ledger

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Stats sums up a ledger.
type Stats struct {
	Entries     uint64     `json:"entries"`
	Sessions    int        `json:"sessions"`
	Open        int        `json:"open_sessions"` // not closed; those of the system never close
	Erased      int        `json:"erased_sessions"`
	Held        int        `json:"held_sessions"`
	Unpurged    int        `json:"unpurged_sessions"` // erased, their bytes perhaps still in files
	Oldest      *time.Time `json:"oldest,omitempty"`  // receive time of the first entry
	Newest      *time.Time `json:"newest,omitempty"`  // and of the last
	Checkpoint  uint64     `json:"newest_checkpoint"` // entries below the newest signature
	Unsigned    uint64     `json:"unsigned_entries"`
	Indexed     uint64     `json:"indexed_entries"` // that searches find without reading all
	Disk        DiskStats  `json:"disk"`
	Growth      []Growth   `json:"growth"`
	PerEntry    float64    `json:"bytes_per_entry"`
	FormatFound string     `json:"format"`
}

// DiskStats are bytes on disk. Those of a kind are what Pebble's tables hold of it, compressed, to the nearest block; what is only in the
// write-ahead log so far is in Log.
type DiskStats struct {
	Total       int64  `json:"total"` // all files of the ledger
	Entries     uint64 `json:"entries"`
	Content     uint64 `json:"content"`
	Tree        uint64 `json:"tree"`
	Indexes     uint64 `json:"indexes"` // by id and session, keys and records of sessions
	Search      uint64 `json:"search"`
	Checkpoints uint64 `json:"checkpoints"` // in the store
	Log         int64  `json:"log"`         // write-ahead log, with what is kept to be written over
}

// Growth is what came in during the last Days.
type Growth struct {
	Days    int    `json:"days"`
	Entries uint64 `json:"entries"`
	Bytes   uint64 `json:"bytes"` // estimated from the mean
}

// Stats reads a few entries and the records of sessions.
func (l *Ledger) Stats(ctx context.Context) (Stats, error) {
	st, err := l.stats(ctx)
	if err != nil {
		return st, fmt.Errorf("sum up ledger: %w", err)
	}
	return st, nil
}

func (l *Ledger) stats(ctx context.Context) (st Stats, err error) {
	st.Entries, st.Checkpoint = l.Tree().Size, l.LastCheckpoint().Size
	st.Unsigned = st.Entries - min(st.Entries, st.Checkpoint)
	if err := l.eachRecord(ctx, func(_ string, r sessionRecord) error {
		if uint64(r.First) >= st.Entries {
			return nil
		}
		st.Sessions++
		if !r.Closed {
			st.Open++
		}
		if r.Erased > 0 {
			st.Erased++
		}
		return nil
	}); err != nil {
		return st, err
	}
	if err := l.begin(); err != nil {
		return st, err
	}
	defer l.end()
	holds, err := loadHolds(l.db)
	if err != nil {
		return st, err
	}
	left, err := marks(l.db, prefixPurge)
	if err != nil {
		return st, err
	}
	missing, err := l.missingRuns()
	if err != nil {
		return st, err
	}
	st.Held, st.Unpurged = len(holds), len(left)
	st.Indexed = (st.Entries/runEntries - min(st.Entries/runEntries, uint64(len(missing)))) * runEntries
	if st.FormatFound, _, err = Format(l.dir); err != nil {
		return st, err
	}
	if st.Disk, err = l.disk(); err != nil {
		return st, err
	}
	return st, l.growth(&st)
}

// growth reads times. The clock may have gone back, so what it says is close and not exact.
func (l *Ledger) growth(st *Stats) error {
	if st.Entries == 0 {
		return nil
	}
	d := l.newDecoder()
	var failed error
	at := func(index uint64) time.Time {
		raw, err := get(d.db, numberKey(prefixEntry, index))
		s, bad := parseEntry(raw)
		if err == nil {
			err = bad
		}
		if err != nil && failed == nil {
			failed = fmt.Errorf("entry %d: %w", index, err)
		}
		return s.received
	}
	oldest, newest := at(0), at(st.Entries-1)
	st.Oldest, st.Newest = &oldest, &newest
	st.PerEntry = float64(st.Disk.Total) / float64(st.Entries)
	now := l.opts.Now()
	for _, days := range []int{1, 7, 30} {
		since := now.AddDate(0, 0, -days)
		first := sort.Search(int(st.Entries), func(i int) bool { return !at(uint64(i)).Before(since) }) //nolint:gosec // an int has 64 bits
		n := st.Entries - uint64(first)                                                                 //nolint:gosec // not negative
		st.Growth = append(st.Growth, Growth{days, n, uint64(float64(n) * st.PerEntry)})
	}
	return failed
}

func (l *Ledger) disk() (d DiskStats, err error) {
	for _, r := range []struct {
		prefix byte
		into   *uint64
	}{
		{prefixEntry, &d.Entries}, {prefixContent, &d.Content}, {prefixTile, &d.Tree}, {prefixID, &d.Indexes}, {prefixSession, &d.Indexes}, {prefixRecord, &d.Indexes},
		{prefixKey, &d.Indexes}, {prefixTerm, &d.Search}, {prefixRun, &d.Search}, {prefixRunTerms, &d.Search}, {prefixCheckpoint, &d.Checkpoints},
	} {
		n, err := estimate(l.db, r.prefix)
		if err != nil {
			return d, err
		}
		*r.into += n
	}
	parts := []*uint64{&d.Entries, &d.Content, &d.Tree, &d.Indexes, &d.Search, &d.Checkpoints}
	names, err := l.opts.FS.List(l.opts.FS.PathJoin(l.dir, storeDir))
	if err != nil {
		return d, err
	}
	for _, name := range names {
		info, err := l.opts.FS.Stat(l.opts.FS.PathJoin(l.dir, storeDir, name))
		if err != nil { // gone meanwhile
			continue
		}
		d.Total += info.Size()
		if strings.HasSuffix(name, ".log") {
			d.Log += info.Size()
		}
	}
	share(parts, uint64(max(d.Total-d.Log, 0)))
	if info, err := l.opts.FS.Stat(l.opts.FS.PathJoin(l.dir, checkpointFile)); err == nil { // there is none before the first signature
		d.Total += info.Size()
	}
	return d, nil
}

// share makes estimates smaller that come to more than there is: a block that several parts have bytes in was counted for each.
func share(parts []*uint64, all uint64) {
	var sum uint64
	for _, p := range parts {
		sum += *p
	}
	if sum <= all {
		return
	}
	for _, p := range parts {
		*p = uint64(float64(*p) * float64(all) / float64(sum))
	}
}

func estimate(db *pebble.DB, prefix byte) (uint64, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return 0, err
	}
	some := it.First()
	if err := it.Close(); err != nil || !some {
		return 0, err // a block that others share is not counted as its
	}
	n, err := db.EstimateDiskUsage([]byte{prefix}, []byte{prefix + 1})
	if err != nil {
		return 0, fmt.Errorf("size of %q: %w", prefix, err)
	}
	return n, nil
}
