package ledger

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"proctor/event"
)

// TestFrontierAgreesWithTlog compares roots and tiles with an implementation that is not ours.
func TestFrontierAgreesWithTlog(t *testing.T) {
	const size = 70_000 // reaches the second tile of level 1
	var f frontier
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, n := range indexes {
			out[i] = hashes[n]
		}
		return out, nil
	})
	tiles := map[[2]uint64][]byte{}
	emit := func(level int, n uint64, h event.Hash) {
		at := [2]uint64{uint64(level), n / tileWidth}
		if int(n%tileWidth)*32 != len(tiles[at]) {
			t.Fatalf("hash %d of level %d comes out of order", n, level)
		}
		tiles[at] = append(tiles[at], h[:]...)
	}
	for n := range int64(size) {
		leaf := []byte(fmt.Sprint("leaf ", n))
		more, err := tlog.StoredHashes(n, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
		f.push(leafHash(leaf), emit)
		if n < 600 || n%997 == 0 || n == size-1 {
			want, err := tlog.TreeHash(n+1, read)
			if err != nil || event.Hash(want) != f.root() {
				t.Fatalf("root at %d: %s, tlog says %s, %v", n+1, f.root(), event.Hash(want), err)
			}
		}
	}
	for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
		want, err := tlog.ReadTileData(tile, read)
		if got := tiles[[2]uint64{uint64(tile.L) * tileHeight, uint64(tile.N)}]; err != nil || string(got) != string(want) {
			t.Fatalf("tile %s has %d bytes, tlog says %d, %v", tile.Path(), len(got), len(want), err)
		}
	}
	for level := middleHeight; size>>level > 0; level += tileHeight {
		for n := range size >> level {
			got := tiles[[2]uint64{uint64(level), uint64(n) / tileWidth}][n%tileWidth*32:][:32]
			if want := hashes[tlog.StoredHashIndex(level, int64(n))]; string(got) != string(want[:]) {
				t.Fatalf("hash %d of level %d is %x, tlog says %s", n, level, got, want)
			}
		}
	}
}

// TestProofs checks proofs of a stored tree with tlog, for any sizes, with middle tiles and without, and where hardly any of them has room in the cache.
func TestProofs(t *testing.T) {
	for format := oldestFormat; format <= formatVersion; format++ {
		for _, room := range []int{0, 1} {
			t.Run(fmt.Sprint("format ", format, " room ", room), func(t *testing.T) {
				l := openFormat(t, vfs.NewMem(), format)
				l.opened.max = room
				testProofs(t, l)
			})
		}
	}
}

func testProofs(t *testing.T, l *Ledger) {
	const size = 1100
	for i := 0; i < size; i += 100 {
		appendTest(t, l, prompts("s", i+1, 100)...)
	}
	entries, err := l.Read(context.Background(), 0, size)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		to := rapid.Uint64Range(1, size).Draw(rt, "to")
		from := rapid.Uint64Range(1, to).Draw(rt, "from")
		seq := rapid.Uint64Range(0, to-1).Draw(rt, "seq")
		newer, err := l.RootAt(to)
		older, err2 := l.RootAt(from)
		if err != nil || err2 != nil {
			rt.Fatal(err, err2)
		}
		in, err := l.Inclusion(context.Background(), event.Seq(seq), to)
		if err == nil {
			err = tlog.CheckRecord(tlogHashes(in), int64(to), tlog.Hash(newer), int64(seq), tlog.Hash(entries[seq].Leaf))
		}
		if err != nil {
			rt.Fatal(err)
		}
		between, err := l.Consistency(context.Background(), from, to)
		if err == nil {
			err = tlog.CheckTree(tlogHashes(between), int64(to), tlog.Hash(newer), int64(from), tlog.Hash(older))
		}
		if err != nil {
			rt.Fatal(err)
		}
	})
	if _, err := l.Inclusion(context.Background(), 5, 5); err == nil {
		t.Error("an entry is in a tree that ends before it")
	}
	if _, err := l.Consistency(context.Background(), 5, size+1); err == nil {
		t.Error("a tree is a prefix of one that does not exist")
	}
}

func TestCheckpoints(t *testing.T) {
	fs := vfs.NewMem()
	opts := memory(fs)
	opts.CheckpointEvery = 50
	l := openTest(t, "ledger", opts)
	appendTest(t, l, prompts("s", 1, 49)...)
	if c := l.LastCheckpoint(); c.Size != 0 {
		t.Fatalf("checkpoint of %d entries before the policy asks", c.Size)
	}
	c, err := l.Checkpoint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Checkpoint(context.Background())
	if err != nil || again != c {
		t.Fatalf("second checkpoint of the same tree: %+v %v", again, err)
	}
	opened, err := OpenCheckpoint(c.Note, l.PublicKey())
	if err != nil || opened.Tree != l.Tree() || !strings.HasPrefix(c.Note, l.Origin()+"\n49\n") {
		t.Fatalf("%+v %v", opened, err)
	}
	if _, err := OpenCheckpoint(strings.Replace(c.Note, "\n49\n", "\n48\n", 1), l.PublicKey()); err == nil {
		t.Fatal("a changed checkpoint passes")
	}
	appendTest(t, l, prompts("s", 50, 60)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, "ledger", opts)
	if c := l.LastCheckpoint(); c.Size != 109 || c.Root != l.Tree().Root {
		t.Fatalf("checkpoint after closing: %+v", c.Tree)
	}
	text, err := readFile(fs, "ledger/checkpoints", 1<<20)
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); err != nil || len(lines) < 2 || !strings.Contains(lines[len(lines)-1], `"size":109`) {
		t.Fatalf("log %q, %v", text, err)
	}
	mustBeGreen(t, l)
}

// TestNoSecondHistoryIsSigned: when the stored tree is not the signed one, signing fails and recording ends.
func TestNoSecondHistoryIsSigned(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("s", 1, 10)...)
	if _, err := l.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.points.last.Root[0] ^= 1 // as if another tree had been signed
	appendTest(t, l, prompts("s", 11, 10)...)
	if c, err := l.Checkpoint(context.Background()); err == nil {
		t.Fatalf("signed %q", c.Note)
	}
	if _, err := l.Append(context.Background(), prompt("s", 21, "x")); err == nil {
		t.Fatal("recording goes on")
	}
}
