package ledger

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestEveryFlippedBitIsNamed flips 1,000 random bits, one after the other, in entries, tiles, checkpoints, the head and rotations, behind
// the back of Pebble's checksums. Each is an error of Verify.
func TestEveryFlippedBitIsNamed(t *testing.T) {
	l, _ := rotatedTwice(t, vfs.NewMem())
	appendTest(t, l, prompts("more", 1, 260)...)
	checkpointTest(t, l)
	type place struct{ key, value []byte }
	places := map[byte][]place{}
	for _, prefix := range []byte{prefixEntry, prefixTile, prefixCheckpoint, prefixRotation, prefixHead} {
		it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
		if err != nil {
			t.Fatal(err)
		}
		for it.First(); it.Valid(); it.Next() {
			places[prefix] = append(places[prefix], place{slices.Clone(it.Key()), slices.Clone(it.Value())})
		}
		if err := it.Close(); err != nil || len(places[prefix]) == 0 {
			t.Fatalf("nothing under %q, %v", prefix, err)
		}
	}
	random := rand.New(rand.NewPCG(5, 8))
	kinds := []byte{prefixEntry, prefixTile, prefixCheckpoint, prefixRotation}
	for n := range soaked(1000, "PROCTOR_SOAK_FLIPS") {
		of := places[kinds[n%len(kinds)]]
		p := of[random.IntN(len(of))]
		bit := random.IntN(len(p.value) * 8)
		flipped := slices.Clone(p.value)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := l.db.Set(p.key, flipped, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		r := verify(t, l)
		if r.OK {
			t.Errorf("bit %d of the value at %q was flipped, and nobody noticed: %q", bit, p.key, flipped)
		}
		if err := l.db.Set(p.key, p.value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	mustBeGreen(t, l)
}

// TestASecondHistoryIsNotSigned changes the tree below what was signed: the ledger stops rather than sign what does not go on from there.
func TestASecondHistoryIsNotSigned(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("s", 1, 300)...)
	checkpointTest(t, l)
	change(t, l.db, appendTileKey(nil, 1, 0), func(b []byte) []byte { b = slices.Clone(b); b[3] ^= 1; return b })
	appendTest(t, l, prompts("s", 301, 1)...)
	if c, err := l.Checkpoint(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Fatalf("signed %+v, %v", c, err)
	}
	if _, err := l.Append(t.Context(), prompt("s", 302, "x")); !errors.Is(err, ErrFailed) {
		t.Errorf("it goes on: %v", err)
	}
}
