package auto

import (
	"hash/maphash"

	"proctor/event"
)

// cursor is how far a transcript was shown: up to entry last. The sums are of the entries that were known then.
type cursor struct {
	last int
	sums map[int]uint64
}

var seed = maphash.MakeSeed()

func sum(e event.TranscriptEntry) uint64 {
	return maphash.Comparable(seed, [3]string{e.Role, e.Tool, e.Text})
}

// cursorAt is the place after all entries.
func cursorAt(entries []event.TranscriptEntry) cursor {
	c := cursor{sums: make(map[int]uint64, len(entries))}
	for _, e := range number(entries) {
		c.last = max(c.last, e.number)
		c.sums[e.number] = sum(e.TranscriptEntry)
	}
	return c
}

// leads reports whether a transcript continues the one that c is a place in: nothing that was there is gone or another.
func (c cursor) leads(entries []event.TranscriptEntry) bool {
	last := 0
	for _, e := range number(entries) {
		last = max(last, e.number)
		if known, ok := c.sums[e.number]; ok && known != sum(e.TranscriptEntry) {
			return false
		}
	}
	return last >= c.last
}

// fresh are the entries after c.
func (c cursor) fresh(entries []event.TranscriptEntry) []shown {
	all := number(entries)
	for i, e := range all {
		if e.number > c.last {
			return all[i:]
		}
	}
	return nil
}
