package ledger

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestEveryFlippedBitIsNamed flips 1,000 random bits, one after the other, in entries, tiles, checkpoints, the head and rotations, behind
// the back of Pebble's checksums. Each is an error of Verify, also of the quick one.
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
		if r.OK || verifyQuick(t, l).OK {
			t.Errorf("bit %d of the value at %q was flipped, and nobody noticed: %q", bit, p.key, flipped)
		}
		if err := l.db.Set(p.key, p.value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	mustBeGreen(t, l)
}

func verifyQuick(t *testing.T, l *Ledger) Report {
	t.Helper()
	r, err := l.Verify(t.Context(), VerifyOptions{Quick: true})
	if err != nil || len(r.Unchecked) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	return r
}

// TestASecondHistoryIsNotSigned changes the tree below what was signed: the ledger stops rather than sign what does not go on from there.
func TestASecondHistoryIsNotSigned(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("s", 1, 300)...)
	checkpointTest(t, l)
	change(t, l.db, appendTileKey(nil, 8, 0), func(b []byte) []byte { b = slices.Clone(b); b[3] ^= 1; return b })
	appendTest(t, l, prompts("s", 301, 1)...)
	l.points.compared = time.Time{} // long ago
	if c, err := l.Checkpoint(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Fatalf("signed %+v, %v", c, err)
	}
	if _, err := l.Append(t.Context(), prompt("s", 302, "x")); !errors.Is(err, ErrFailed) {
		t.Errorf("it goes on: %v", err)
	}
}

// TestEveryFlippedBitOfTheCheckpointLogIsNamed flips bits, all of them in a soak, of the file "checkpoints". What it cannot tell are the digits of times, which
// are no evidence, and the end of the last line, which looks as if a crash had torn it: that line is in the store too, and written again.
func TestEveryFlippedBitOfTheCheckpointLogIsNamed(t *testing.T) {
	fs := vfs.NewMem()
	l := openTest(t, "ledger", memory(fs))
	for i := range 3 {
		appendTest(t, l, prompts("s", 1+i, 1)...)
		checkpointTest(t, l)
	}
	path := "ledger/" + checkpointFile
	text := content(t, fs, path)
	times := map[int]bool{}
	for _, place := range regexp.MustCompile(`"time":"[^"]*"`).FindAllIndex(text, -1) {
		for at := place[0] + len(`"time":"`); at < place[1]-1; at++ {
			times[at] = true
		}
	}
	if len(times) != 3*len(time.RFC3339[:20]) {
		t.Fatalf("%d bytes of times in %s", len(times), text)
	}
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	set := func(at int, b byte) {
		if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	for bit := 0; bit < (len(text)-2)*8; bit += sampled(23) {
		at := bit / 8
		set(at, text[at]^1<<(bit%8))
		if r := verify(t, l); r.OK && !times[at] {
			t.Errorf("bit %d of byte %d, %q, was flipped, and nobody noticed", bit%8, at, text[at])
		}
		set(at, text[at])
	}
	mustBeGreen(t, l)
}

// TestOnlyTheLastLineOfALogIsTorn cuts the last line everywhere, and leaves zeros for its beginning, as a power cut may: verify excuses it, the next line is
// written over it, and then a line that cannot be read is damage.
func TestOnlyTheLastLineOfALogIsTorn(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l := openTest(t, "ledger", memory(disk))
	for i := range 2 {
		appendTest(t, l, prompts("s", 1+i, 1)...)
		checkpointTest(t, l)
	}
	path := "ledger/" + checkpointFile
	text := content(t, disk, path)
	second := bytes.IndexByte(text, '\n') + 1
	for cut := second; cut < len(text); cut += sampled(9) {
		for _, zeros := range []bool{false, true} {
			torn := slices.Clone(text)
			if zeros {
				clear(torn[second : cut+1])
			} else {
				torn = torn[:cut]
			}
			if zeros && cut == len(text)-1 {
				continue
			}
			fs := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			put(t, fs, path, torn)
			again := openTest(t, "ledger", memory(fs))
			mustBeGreen(t, again)
			appendTest(t, again, prompts("s", 3, 1)...)
			checkpointTest(t, again)
			mustBeGreen(t, again)
			after := content(t, fs, path)
			if n := bytes.Count(after, []byte{'\n'}); n != 3 || bytes.IndexByte(after, 0) >= 0 {
				t.Fatalf("cut at %d, zeros %t: %q", cut, zeros, after)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func put(t *testing.T, fs vfs.FS, path string, text []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(slices.Clone(text)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
