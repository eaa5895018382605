package ledger

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"proctor/event"
)

// TestRecentNeverDeniesAKnownID: for ids in any order, what recent decides is what is recorded.
func TestRecentNeverDeniesAKnownID(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &recent{ids: map[idKey]event.Seq{}}
		all := map[idKey]event.Seq{}
		var sent []idKey
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		for i := range 2*maxRecent + 500 {
			n := random.Uint32N(1 << 16)
			k := idKey{prefixID, byte(n >> 8), byte(n), byte(i), byte(i >> 8)}
			if i > 0 && i%3 == 0 {
				k = sent[random.IntN(len(sent))] // again
			}
			sent = append(sent, k)
			index, found, decided := r.find(k)
			if want, recorded := all[k]; decided && (found != recorded || index != want) {
				rt.Fatalf("id %x: found %t at %d, recorded %t at %d", k, found, index, recorded, want)
			}
			if _, recorded := all[k]; !recorded {
				all[k] = event.Seq(i)
				r.add(k, event.Seq(i))
			}
			r.trim()
			if i%2500 == 2499 {
				for k, want := range all {
					if index, found, decided := r.find(k); decided && (!found || index != want) {
						rt.Fatalf("id %x is recorded at %d, found %t at %d", k, want, found, index)
					}
				}
			}
			if len(r.ids) > maxRecent {
				rt.Fatalf("%d ids are kept", len(r.ids))
			}
		}
	})
}
