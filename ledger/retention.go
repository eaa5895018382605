package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Stored is what a session has that can be erased.
type Stored struct {
	SessionInfo
	Texts uint64 // entries with content
	Bytes uint64 // of their content, as it is stored, before Pebble compresses it
	Held  bool
}

// Retention says how long content is kept. Zero is for ever.
type Retention struct {
	MaxAge   time.Duration // since the last entry of the session
	MaxBytes uint64        // of all content together
}

// Due lists those of the sessions that go at a time, the oldest first: all that ended too long ago, and then as many as
// are needed to get below MaxBytes. Sessions on hold count and stay, as do those that are still open.
func (r Retention) Due(stored []Stored, now time.Time) []Stored {
	stored = slices.Clone(stored)
	slices.SortStableFunc(stored, func(a, b Stored) int { return a.Ended.Compare(b.Ended) })
	var total uint64
	for _, s := range stored {
		total += s.Bytes
	}
	var due []Stored
	for _, s := range stored {
		old := r.MaxAge > 0 && now.Sub(s.Ended) > r.MaxAge
		large := r.MaxBytes > 0 && total > r.MaxBytes
		if s.Held || !s.Closed || !old && !large {
			continue
		}
		due = append(due, s)
		total -= s.Bytes
	}
	return due
}

// Contents lists the sessions that have content, by name. It reads the keys of all content.
func (l *Ledger) Contents(ctx context.Context) ([]Stored, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	stored, err := l.contents(ctx)
	if err != nil {
		return nil, fmt.Errorf("list content: %w", err)
	}
	holds, err := loadHolds(l.db)
	if err != nil {
		return nil, err
	}
	known := stored[:0]
	for _, s := range stored {
		record, err := loadRecord(l.db, s.ID)
		if err != nil {
			return nil, err
		}
		if record == nil {
			continue
		}
		if s.SessionInfo, err = l.info(s.ID, *record); err != nil {
			return nil, fmt.Errorf("session %s: %w", s.ID, err)
		}
		if _, s.Held = holds[s.ID]; s.Events > 0 {
			known = append(known, s)
		}
	}
	return known, nil
}

func (l *Ledger) contents(ctx context.Context) (stored []Stored, err error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixContent}, UpperBound: []byte{prefixContent + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		name, _, ok := strings.Cut(string(it.Key()[1:]), "\x00")
		if !ok {
			return nil, fmt.Errorf("key %x: %w", it.Key(), ErrDamaged)
		}
		if n := len(stored); n == 0 || stored[n-1].ID != name {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			stored = append(stored, Stored{SessionInfo: SessionInfo{ID: name}})
		}
		s := &stored[len(stored)-1]
		s.Texts++
		s.Bytes += uint64(len(it.Value()))
	}
	slices.SortFunc(stored, func(a, b Stored) int { return cmp.Compare(a.ID, b.ID) })
	return stored, it.Error()
}
