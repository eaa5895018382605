package ledger

import (
	"fmt"
	"maps"
	"slices"

	"proctor/event"
)

// keepingWalk remembers what was erased and held, as the entries tell it.
type keepingWalk struct{ erased, held map[string]event.Seq }

func newKeepingWalk() keepingWalk {
	return keepingWalk{map[string]event.Seq{}, map[string]event.Seq{}}
}

func (k keepingWalk) note(index event.Seq, e *event.Event) {
	if e == nil {
		return
	}
	switch p := e.Payload.(type) {
	case *event.ErasurePayload:
		k.erased[p.Erased] = index
	case *event.HoldPlacedPayload:
		k.held[p.Held] = index
	case *event.HoldReleasedPayload:
		delete(k.held, p.Held)
	}
}

// keeping compares what the store says was erased and is held with what was recorded about it. What was recorded since the
// walk began is left out.
func (v *verifier) keeping() {
	for _, name := range slices.Sorted(maps.Keys(v.told())) {
		record, err := loadRecord(v.l.db, name)
		if err != nil || record == nil || uint64(record.Erased) >= v.head.Size {
			continue // records names the first two
		}
		at, ok := v.kept.erased[name]
		if !ok && record.Erased > 0 && uint64(record.Erased) < v.since {
			continue
		}
		if record.Erased != at || record.Erased > 0 && !ok {
			v.add(SeverityError, Finding{Code: CodeErasureUnrecorded, Session: name,
				Message: fmt.Sprintf("the store says that entry %d erased content of session %s, the newest such entry is %d", record.Erased, name, at)})
		}
	}
	holds, err := loadHolds(v.l.db)
	if err != nil {
		v.add(SeverityError, Finding{Code: CodeHoldRecord, Message: err.Error()})
		return
	}
	if v.l.Tree().Size != v.head.Size || maps.Equal(holds, v.kept.held) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(union(holds, v.kept.held))) {
		stored, is := holds[name]
		told, was := v.kept.held[name]
		if is != was || stored != told {
			v.add(SeverityError, Finding{Code: CodeHoldRecord, Session: name,
				Message: fmt.Sprintf("session %s: on hold in the store %v, by entry %d; by the entries %v, by entry %d", name, is, stored, was, told)})
		}
	}
}

func union(a, b map[string]event.Seq) map[string]event.Seq {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
