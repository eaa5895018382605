package ledger

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// tileCache keeps tiles, since all proofs share the upper ones. A tile only grows, so what it has stays true. What checks the record begins
// with an empty one. The zero value is empty.
type tileCache struct {
	mu    sync.Mutex
	tiles map[tileID][]byte
}

type tileID struct {
	level int
	tile  uint64
}

// maxOpenTiles bounds the cache, at 8 KiB each: all tiles above the leaves of a million entries.
const maxOpenTiles = 320

// read gives n hashes of a tile from place on. They must not be changed.
func (c *tileCache) read(db pebble.Reader, level int, tile uint64, place, n int) ([]byte, error) {
	id := tileID{level, tile}
	from, to := place*sha256.Size, (place+n)*sha256.Size
	c.mu.Lock()
	data := c.tiles[id]
	c.mu.Unlock()
	if to <= len(data) {
		return data[from:to], nil
	}
	data, err := readTile(db, level, tile)
	if err != nil {
		return nil, err
	}
	if to > len(data) {
		return nil, fmt.Errorf("%s has %d hashes, want %d: %w", tileName(level, tile), len(data)/sha256.Size, place+n, ErrDamaged)
	}
	c.keep(id, data)
	return data[from:to], nil
}

func (c *tileCache) keep(id tileID, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tiles == nil {
		c.tiles = map[tileID][]byte{}
	}
	for old := range c.tiles {
		if len(c.tiles) < maxOpenTiles {
			break
		}
		if old.level <= id.level { // the higher ones are in more proofs
			delete(c.tiles, old)
		}
	}
	if len(c.tiles) < maxOpenTiles {
		c.tiles[id] = data
	}
}
