package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"proctor/ledger/timestamp"
)

// timestampWalk checks what authorities time-stamped, in step with the entries.
type timestampWalk struct {
	bySize map[uint64][]Timestamped
	newest []Timestamp // of each authority and chain, the newest last
}

func (w *timestampWalk) open(v *verifier) {
	w.bySize = map[uint64][]Timestamped{}
	all, damaged, err := v.l.timestamped()
	if err != nil {
		v.add(SeverityError, Finding{Code: CodeTimestampDamaged, Message: err.Error()})
	}
	for _, n := range damaged {
		v.add(SeverityError, Finding{Code: CodeTimestampDamaged, Message: fmt.Sprintf("line %d of the file %s is not what was written", n, timestampFile)})
	}
	for _, line := range all {
		if line.Size > v.since {
			w.bySize[line.Size] = append(w.bySize[line.Size], line)
		}
	}
}

// reach checks the tokens at the size that the walk has now.
func (w *timestampWalk) reach(v *verifier) {
	lines, ok := w.bySize[v.tree.size]
	if !ok {
		return
	}
	delete(w.bySize, v.tree.size)
	for _, line := range lines {
		about := fmt.Sprintf("time-stamp of %s over a checkpoint of %d entries", line.URL, line.Size)
		if err := v.keys.opens(line.Note, v.tree.root()); err != nil {
			v.add(SeverityError, Finding{Code: CodeTimestampForeign, Message: fmt.Sprintf("%s that is no beginning of this ledger: %v", about, err)})
			continue
		}
		t, err := timestampOf(line.Token, line.Note, line.Size, v.opts.TimestampRoots)
		if err != nil {
			v.add(SeverityError, Finding{Code: timestampCode(err), Message: fmt.Sprintf("%s: %v", about, err)})
			continue
		}
		v.report.TimestampsChecked++
		w.keep(t)
	}
}

// timestampCode is that of what is wrong. A certificate that leads to none of the given roots is an error: somebody else may have made the token since.
func timestampCode(err error) string {
	switch {
	case errors.Is(err, timestamp.ErrChain):
		return CodeTimestampChain
	case errors.Is(err, timestamp.ErrForeign):
		return CodeTimestampForeign
	case errors.Is(err, timestamp.ErrForged):
		return CodeTimestampForged
	default:
		return CodeTimestampDamaged
	}
}

// keep holds on to the newest token of an authority, and of those over one checkpoint to the earliest.
func (w *timestampWalk) keep(t Timestamp) {
	for i, before := range w.newest {
		if before.Authority != t.Authority || before.Chain != t.Chain {
			continue
		}
		if t.Size == before.Size && !t.Time.Before(before.Time) {
			return
		}
		w.newest = slices.Delete(w.newest, i, i+1)
		break
	}
	w.newest = append(w.newest, t)
}

// rest reports what stands at the end.
func (w *timestampWalk) rest(v *verifier) {
	for _, size := range slices.Sorted(maps.Keys(w.bySize)) {
		if size > v.l.Tree().Size {
			v.add(SeverityError, Finding{Code: CodeCheckpointAhead, Message: fmt.Sprintf("a checkpoint of %d entries was time-stamped, only %d are stored: entries were cut off, or an old copy was put back", size, v.l.Tree().Size)})
		}
	}
	slices.Reverse(w.newest)
	v.report.Timestamps = w.newest
	for _, t := range v.report.Timestamps {
		v.chained(t)
	}
}

// chained notes a token whose certificate leads to no trusted root.
func (f findings) chained(t Timestamp) {
	if t.Chain == "" {
		f.add(SeverityNote, Finding{Code: CodeTimestampChain, Message: fmt.Sprintf("%s time-stamped %d entries for %s: %s", t.Authority, t.Size, t.Time.Format(time.RFC3339), t.Unchained)})
	}
}
