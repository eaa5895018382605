package ledger

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// recent knows every recorded event id above a floor, so that a new id, which is nearly
// always above it because ids sort by time of creation, needs no look-up in the store. It is
// exact: ids at or below the floor are looked up.
type recent struct {
	floor idKey
	ids   map[idKey]event.Seq
}

// maxRecent bounds the ids kept, about 400 KB.
const maxRecent = 8192

// loadRecent puts the floor at the highest id of the store.
func loadRecent(db pebble.Reader) (*recent, error) {
	r := &recent{ids: map[idKey]event.Seq{}}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixID}, UpperBound: []byte{prefixID + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if it.Last() {
		copy(r.floor[:], it.Key())
	}
	return r, it.Error()
}

// find returns where an id is recorded. decided is false when only the store knows.
func (r *recent) find(key idKey) (index event.Seq, found, decided bool) {
	if bytes.Compare(key[:], r.floor[:]) <= 0 {
		return 0, false, false
	}
	index, found = r.ids[key]
	return index, found, true
}

func (r *recent) add(key idKey, index event.Seq) {
	if bytes.Compare(key[:], r.floor[:]) > 0 {
		r.ids[key] = index
	}
}

// trim raises the floor to the middle of the ids when there are too many. Call it between groups.
func (r *recent) trim() {
	if len(r.ids) <= maxRecent {
		return
	}
	keys := make([]idKey, 0, len(r.ids))
	for k := range r.ids {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b idKey) int { return bytes.Compare(a[:], b[:]) })
	r.floor = keys[len(keys)/2]
	for _, k := range keys[:len(keys)/2+1] {
		delete(r.ids, k)
	}
}
