package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// middleFrom is the first format of a directory that has middle tiles.
const middleFrom = 3

// tileWriter collects the hashes of one commit, so that each tile is touched once.
type tileWriter struct {
	height int // between the levels that are stored, see Ledger.rowHeight
	runs   []tileRun
}

type tileRun struct {
	level  int
	tile   uint64
	hashes []byte
}

// add is the emit function of frontier.push.
func (w *tileWriter) add(level int, n uint64, h event.Hash) {
	if level%w.height != 0 {
		return
	}
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
			return fmt.Errorf("extend %s: %w", tileName(r.level, r.tile), err)
		}
	}
	w.runs = w.runs[:0]
	return nil
}

// treeReader reads hashes of the tree: those of a level that is stored from its tile, others computed from the next lower one.
type treeReader struct {
	db     pebble.Reader
	height int // between the levels that are stored
	cache  *tileCache
}

// ReadHashes implements tlog.HashReader.
func (r treeReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		h, err := r.hash(level, uint64(n)) //nolint:gosec // a stored hash has a number
		if err != nil {
			return nil, err
		}
		hashes[i] = tlog.Hash(h)
	}
	return hashes, nil
}

// hash is the root of subtree n of 2^level leaves.
func (r treeReader) hash(level int, n uint64) (event.Hash, error) {
	above := level % r.height
	first := n << above
	place := int(first % tileWidth)
	hashes, err := r.cache.read(r.db, level-above, first/tileWidth, place, 1<<above)
	if err != nil {
		return event.Hash{}, err
	}
	return subtree(hashes), nil
}

// subtree is the root over a power of two of hashes.
func subtree(hashes []byte) event.Hash {
	if len(hashes) == sha256.Size {
		return event.Hash(hashes)
	}
	half := len(hashes) / 2
	return nodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

// readTile returns the hashes of a tile, none when nothing was stored.
func readTile(db pebble.Reader, level int, tile uint64) ([]byte, error) {
	data, err := get(db, appendTileKey(nil, level, tile))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", tileName(level, tile), err)
	}
	return data, nil
}

// loadFrontier rebuilds the right edge of a tree of the given size, from what is stored now.
func (l *Ledger) loadFrontier(size uint64) (frontier, error) {
	f := frontier{size: size}
	r := treeReader{l.db, l.rowHeight(), &tileCache{}}
	for level := range f.nodes {
		if size>>level&1 == 1 {
			var err error
			if f.nodes[level], err = r.hash(level, size>>level-1); err != nil {
				return frontier{}, err
			}
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
