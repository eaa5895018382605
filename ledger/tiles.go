package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// tileWriter collects the hashes of one commit, so that each tile is touched once.
type tileWriter struct {
	runs []tileRun
}

type tileRun struct {
	level  int
	tile   uint64
	hashes []byte
}

// add is the emit function of frontier.push.
func (w *tileWriter) add(level int, n uint64, h event.Hash) {
	tile := n / tileWidth
	for i := len(w.runs) - 1; i >= 0; i-- {
		if r := &w.runs[i]; r.level == level && r.tile == tile {
			r.hashes = append(r.hashes, h[:]...)
			return
		}
	}
	if len(w.runs) < cap(w.runs) { // takes the old buffer of the run along
		w.runs = w.runs[:len(w.runs)+1]
	} else {
		w.runs = append(w.runs, tileRun{})
	}
	r := &w.runs[len(w.runs)-1]
	r.level, r.tile, r.hashes = level, tile, append(r.hashes[:0], h[:]...)
}

// flush appends the collected hashes to their tiles. Pebble's default merger concatenates, so an
// open tile grows by what is new and is never rewritten by a commit.
func (w *tileWriter) flush(b *pebble.Batch) error {
	var key [10]byte
	for _, r := range w.runs {
		if err := b.Merge(appendTileKey(key[:0], r.level, r.tile), r.hashes, nil); err != nil {
			return fmt.Errorf("extend tile %d/%d: %w", r.level, r.tile, err)
		}
	}
	w.runs = w.runs[:0]
	return nil
}

// hashReader reads tree hashes from stored tiles.
type hashReader struct {
	db pebble.Reader
}

// ReadHashes implements tlog.HashReader.
func (r hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	tiles := map[[2]uint64][]byte{} // a proof touches few tiles, each more than once
	for i, index := range indexes {
		t := tlog.TileForIndex(tileHeight, index)
		at := [2]uint64{uint64(t.L), uint64(t.N)} //nolint:gosec // a tile number is not negative
		data, ok := tiles[at]
		if !ok {
			var err error
			if data, err = readTile(r.db, t.L, at[1]); err != nil {
				return nil, err
			}
			tiles[at] = data
		}
		if len(data) < t.W*sha256.Size {
			return nil, fmt.Errorf("tile %d/%d has %d hashes, want %d: %w", t.L, t.N, len(data)/sha256.Size, t.W, ErrDamaged)
		}
		h, err := tlog.HashFromTile(t, data[:t.W*sha256.Size], index)
		if err != nil {
			return nil, fmt.Errorf("tile %d/%d: %w", t.L, t.N, err)
		}
		hashes[i] = h
	}
	return hashes, nil
}

// readTile returns the hashes of a tile, none when nothing was stored.
func readTile(db pebble.Reader, level int, tile uint64) ([]byte, error) {
	data, err := get(db, appendTileKey(nil, level, tile))
	if err != nil {
		return nil, fmt.Errorf("read tile %d/%d: %w", level, tile, err)
	}
	return data, nil
}

// loadFrontier rebuilds the right edge of a tree of the given size.
func loadFrontier(db pebble.Reader, size uint64) (frontier, error) {
	f := frontier{size: size}
	var indexes []int64
	for level := range f.nodes {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, int64(size>>level)-1)) //nolint:gosec // a tree has fewer than 2^63 entries
		}
	}
	hashes, err := hashReader{db}.ReadHashes(indexes)
	if err != nil {
		return frontier{}, err
	}
	for level := range f.nodes {
		if size>>level&1 == 1 {
			f.nodes[level], hashes = event.Hash(hashes[0]), hashes[1:]
		}
	}
	return f, nil
}

// get copies a value; nil without error when the key is absent.
func get(db pebble.Reader, key []byte) ([]byte, error) {
	v, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append(make([]byte, 0, len(v)), v...), nil
}
