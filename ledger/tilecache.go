package ledger

import "sync"

// tileCache keeps tiles above the leaves, and the last leaves, with what was computed from them, since all proofs share the upper ones. A tile only grows, so what it has
// stays true. What checks the record begins with an empty one. The zero value is empty.
type tileCache struct {
	mu    sync.Mutex
	tiles map[tileID]hashTree
	// edge is the last group of leaves that was read, by place: all proofs in a tree that ends in it share it.
	edge   hashTree
	edgeAt uint64
}

type tileID struct {
	level int
	tile  uint64
}

// maxOpenTiles bounds the cache, at 16 KiB each: all tiles above the leaves of a million entries.
const maxOpenTiles = 320

func (c *tileCache) find(id tileID) hashTree {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tiles[id]
}

func (c *tileCache) keep(id tileID, t hashTree) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tiles == nil {
		c.tiles = map[tileID]hashTree{}
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
		c.tiles[id] = t
	}
}

// findLeaves is find for a group of leaves.
func (c *tileCache) findLeaves(group uint64) hashTree {
	c.mu.Lock()
	defer c.mu.Unlock()
	if group != c.edgeAt {
		return nil
	}
	return c.edge
}

func (c *tileCache) keepLeaves(group uint64, t hashTree) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if group >= c.edgeAt {
		c.edgeAt, c.edge = group, t
	}
}
