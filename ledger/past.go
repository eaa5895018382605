package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// past looks ids up that are older than those that recent knows, as those are that a ledger takes in from several sources side by side. One
// iterator serves a whole group: ids that come together lie together, and each look-up by itself would read the index and the filter of every
// table again, which are larger than the cache.
type past struct {
	db *pebble.DB
	it *pebble.Iterator // nil until the group at hand needs it
}

// find returns where an id is recorded by the groups before.
func (p *past) find(key idKey) (index event.Seq, found bool, err error) {
	if p.it == nil {
		if p.it, err = p.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixID}, UpperBound: []byte{prefixID + 1}}); err != nil {
			p.it = nil
			return 0, false, fmt.Errorf("look up event %x: %w", key[1:], err)
		}
	}
	if !p.it.SeekGE(key[:]) {
		if err := p.it.Error(); err != nil {
			return 0, false, fmt.Errorf("look up event %x: %w", key[1:], err)
		}
		return 0, false, nil
	}
	if !bytes.Equal(p.it.Key(), key[:]) {
		return 0, false, nil
	}
	v := p.it.Value()
	if len(v) != 8 {
		return 0, false, fmt.Errorf("index of event %x: %w", key[1:], ErrDamaged)
	}
	return event.Seq(binary.BigEndian.Uint64(v)), true, nil
}

// close ends the group: the next one sees what this one records.
func (p *past) close() {
	if p.it != nil {
		_ = p.it.Close() // what it has to say, find has said
		p.it = nil
	}
}
