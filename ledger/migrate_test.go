package ledger

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// openFormat makes an empty ledger of a format.
func openFormat(t *testing.T, fs vfs.FS, format int) *Ledger {
	t.Helper()
	if err := openTest(t, "ledger", memory(fs)).Close(); err != nil {
		t.Fatal(err)
	}
	setFormat(t, fs, format)
	return openTest(t, "ledger", memory(fs))
}

func setFormat(t *testing.T, fs vfs.FS, format int) {
	t.Helper()
	if err := writeFile(fs, "ledger/format", fmt.Sprintf("%s%d\n", formatLine, format), true); err != nil {
		t.Fatal(err)
	}
}

// A ledger of the first format goes on in it, so that the program that made it can still read it, until it is migrated.
func TestTheFirstFormatGoesOnUntilItIsMigrated(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	size := func(l *Ledger, index event.Seq) int {
		sealed, err := get(l.db, sessionKey(prefixContent, "a", uint64(index)))
		if err != nil {
			t.Fatal(err)
		}
		return len(sealed)
	}
	l := openFormat(t, fs, 1)
	appendTest(t, l, output("a", 1))
	whole := size(l, 0)
	if whole < 500 {
		t.Errorf("format 1 has %d bytes of content, the text alone has more", whole)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Migrate("ledger", memory(fs)); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, "ledger", memory(fs))
	appendTest(t, l, output("a", 2))
	if got := size(l, 1); got > whole/2 {
		t.Errorf("migrated it has %d bytes of content, format 1 %d", got, whole)
	}
	mustBeGreen(t, l)
	entries, err := l.Session(t.Context(), "a", 1, 10)
	if err != nil || len(entries) != 2 {
		t.Fatal(len(entries), err)
	}
	for _, e := range entries {
		if text, ok := e.Event.Payload.(*event.ExecOutputPayload).Chunk.Reveal(); !ok || len(text) < 500 {
			t.Errorf("entry %d: %d bytes, %v", e.Seq, len(text), ok)
		}
	}
}

// Migrating adds the middle tiles that commits would have written, also when it ended early before, and commits go on with them.
func TestMigratingAddsTheMiddleTiles(t *testing.T) {
	t.Parallel()
	fs, want := vfs.NewMem(), openMem(t)
	appendTest(t, want, prompts("s", 1, 4000)...)
	appendTest(t, want, prompts("s", 4001, 300)...)
	l := openFormat(t, fs, 2)
	appendTest(t, l, prompts("s", 1, 4000)...)
	appendTest(t, l, prompts("s", 4001, 200)...)
	mustBeGreen(t, l)
	if n := len(middleTiles(t, l)); n != 0 {
		t.Fatalf("format 2 has %d middle tiles", n)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		setFormat(t, fs, 2) // as if it had ended before the last step
		if err := Migrate("ledger", memory(fs)); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, "ledger", memory(fs))
		mustBeGreen(t, l)
	}
	appendTest(t, l, prompts("s", 4201, 100)...)
	mustBeGreen(t, l)
	got, must := middleTiles(t, l), middleTiles(t, want)
	if len(must) != 3 || len(got) != len(must) {
		t.Fatalf("%d middle tiles, %d in a ledger that always had them", len(got), len(must))
	}
	for key, tile := range must {
		if len(got[key]) != len(tile) {
			t.Errorf("middle tile %x has %d bytes, want %d", key, len(got[key]), len(tile))
		}
	}
}

func middleTiles(t *testing.T, l *Ledger) map[string][]byte {
	t.Helper()
	tiles := map[string][]byte{}
	it, err := l.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for it.SeekGE([]byte{prefixTile, middleTile}); it.Valid() && it.Key()[0] == prefixTile; it.Next() {
		tiles[string(it.Key())] = bytes.Clone(it.Value())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return tiles
}
