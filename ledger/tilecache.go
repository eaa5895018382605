package ledger

import "sync"

// tileCache keeps tiles above the leaves, and the last leaves, with what was computed from them, since all proofs share the upper ones. A tile only grows, so what it has
// stays true. What checks the record begins with an empty one. The zero value is empty.
type tileCache struct {
	mu    sync.Mutex
	tiles map[tileID]hashTree
	max   int // 0 is maxOpenTiles
	// edges are the last groups that were read of levels without room for their tiles: all proofs in a tree that ends in them share them.
	edges [2]edge
}

type edge struct {
	tileID
	hashTree
}

type tileID struct {
	level int
	tile  uint64
}

// takes reports whether a tile is here or has room. What is above the lowest tiles always has.
func (c *tileCache) takes(id tileID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, here := c.tiles[id]
	return here || len(c.tiles) < c.room() || id.level > middleHeight
}

// maxOpenTiles bounds the cache, at 16 KiB each: all tiles above the leaves of a million entries.
const maxOpenTiles = 320

func (c *tileCache) room() int {
	if c.max > 0 {
		return c.max
	}
	return maxOpenTiles
}

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
		if len(c.tiles) < c.room() {
			break
		}
		if old.level <= id.level { // the higher ones are in more proofs
			delete(c.tiles, old)
		}
	}
	if len(c.tiles) < c.room() {
		c.tiles[id] = t
	}
}

// findEdge is find for a group.
func (c *tileCache) findEdge(id tileID) hashTree {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.edges {
		if e.tileID == id {
			return e.hashTree
		}
	}
	return nil
}

// keepEdge keeps the last group of its level.
func (c *tileCache) keepEdge(id tileID, t hashTree) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &c.edges[min(id.level, len(c.edges)-1)]
	if e.level != id.level || id.tile >= e.tile {
		*e = edge{id, t}
	}
}
