package ledger

import (
	"bytes"
	"encoding/binary"
	"maps"
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
	begins := make([]uint64, 0, len(r.ids)) // of the ids; sorting these is a tenth of sorting ids
	for k := range r.ids {
		begins = append(begins, binary.BigEndian.Uint64(k[1:]))
	}
	slices.Sort(begins)
	r.floor = idKey{prefixID}
	binary.BigEndian.PutUint64(r.floor[1:], begins[len(begins)/2])
	for i := 9; i < len(r.floor); i++ {
		r.floor[i] = 0xff // the last of those that begin so
	}
	maps.DeleteFunc(r.ids, func(k idKey, _ event.Seq) bool { return bytes.Compare(k[:], r.floor[:]) <= 0 })
}
