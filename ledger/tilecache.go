package ledger

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// tileCache keeps tiles with the hashes of the subtrees in them, for proofs: most of what a proof costs is to compute those again, and all proofs
// share the upper tiles. A tile only grows, so what it has stays true. What checks the record reads the tiles themselves.
type tileCache struct {
	mu    sync.Mutex
	tiles map[[2]uint64]*openTile // by level and number
}

// maxOpenTiles bounds the cache, at 16 KiB each.
const maxOpenTiles = 128

// openTile has at [k] the roots of the complete subtrees of 2^k of the tile's hashes.
type openTile [tileHeight][]event.Hash

func expandTile(data []byte) *openTile {
	t := &openTile{}
	width := len(data) / sha256.Size
	room := make([]event.Hash, 0, 2*width)
	for i := range width {
		room = append(room, event.Hash(data[i*sha256.Size:]))
	}
	t[0] = room
	for k := 1; k < tileHeight; k++ {
		below, from := t[k-1], len(room)
		for i := 0; i+1 < len(below); i += 2 {
			room = append(room, nodeHash(below[i], below[i+1]))
		}
		t[k] = room[from:]
	}
	return t
}

// cachedHashes reads tree hashes through the cache.
type cachedHashes struct{ l *Ledger }

// ReadHashes implements tlog.HashReader.
func (r cachedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		k := level % tileHeight
		number, place := uint64(n)<<k>>tileHeight, int(n&(tileWidth>>k-1)) //nolint:gosec // a stored hash has a number
		t, err := r.tile(level/tileHeight, number, k, place)
		if err != nil {
			return nil, err
		}
		hashes[i] = tlog.Hash(t[k][place])
	}
	return hashes, nil
}

// tile gives a tile that has the hash at place of the subtrees of 2^k.
func (r cachedHashes) tile(level int, number uint64, k, place int) (*openTile, error) {
	c, id := &r.l.opened, [2]uint64{uint64(level), number} //nolint:gosec // a level is not negative
	c.mu.Lock()
	t := c.tiles[id]
	c.mu.Unlock()
	if t != nil && place < len(t[k]) {
		return t, nil
	}
	data, err := readTile(r.l.db, level, number)
	if err != nil {
		return nil, err
	}
	if t = expandTile(data); place >= len(t[k]) {
		return nil, fmt.Errorf("tile %d/%d has %d hashes, want %d: %w", level, number, len(t[0]), (place+1)<<k, ErrDamaged)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tiles == nil {
		c.tiles = map[[2]uint64]*openTile{}
	}
	for old := range c.tiles {
		if len(c.tiles) < maxOpenTiles {
			break
		}
		if old[0] <= id[0] { // the higher ones are in more proofs
			delete(c.tiles, old)
		}
	}
	if len(c.tiles) < maxOpenTiles {
		c.tiles[id] = t
	}
	return t, nil
}
