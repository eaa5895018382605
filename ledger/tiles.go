package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

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

// readTile returns the hashes of a tile, none when nothing was stored.
func readTile(db pebble.Reader, level int, tile uint64) ([]byte, error) {
	data, err := get(db, appendTileKey(nil, level, tile))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", tileName(level, tile), err)
	}
	return data, nil
}

// get copies a value; nil without error when the key is absent.
func get(db pebble.Reader, key []byte) (value []byte, err error) {
	err = look(db, key, func(v []byte) { value = append(make([]byte, 0, len(v)), v...) })
	return value, err
}

// look calls f with a value, which stays valid until f returns; when the key is absent it does not.
func look(db pebble.Reader, key []byte, f func(value []byte)) error {
	v, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f(v)
	return closer.Close()
}
