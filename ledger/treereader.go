package ledger

import (
	"crypto/sha256"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/mod/sumdb/tlog"

	"proctor/event"
)

// treeReader reads hashes of the tree. Those of levels that are not stored it computes from the next lower one that is. Of the leaves, where proofs seldom
// meet, and of tiles that have no room in the cache it reads no more than it needs for that; the other tiles come from the cache. One goroutine uses it, for one proof.
type treeReader struct {
	db     pebble.Reader
	height int // between the levels that are stored
	cache  *tileCache
	groups map[tileID]hashTree // of 2^height hashes each
}

func (l *Ledger) treeReader(cache *tileCache) *treeReader {
	return &treeReader{l.db, l.rowHeight(), cache, map[tileID]hashTree{}}
}

// rowHeight is how many levels of the tree lie between those that are stored.
func (l *Ledger) rowHeight() int {
	if l.format < middleFrom {
		return tileHeight
	}
	return middleHeight
}

// ReadHashes implements tlog.HashReader.
func (r *treeReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
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
func (r *treeReader) hash(level int, n uint64) (event.Hash, error) {
	above := level % r.height
	first := n << above // of the level that is stored
	read, width := r.tile, uint64(tileWidth)
	if level < r.height || !r.cache.takes(tileID{level - above, first / tileWidth}) {
		read, width = r.group, 1<<r.height
	}
	t, err := read(level-above, first/width, above, first%width>>above)
	if err != nil {
		return event.Hash{}, err
	}
	return t[above][first%width>>above], nil
}

// tile gives one that has the subtree at place of those of 2^above of its hashes.
func (r *treeReader) tile(level int, tile uint64, above int, place uint64) (hashTree, error) {
	id := tileID{level, tile}
	if t := r.cache.find(id); t.has(above, place) {
		return t, nil
	}
	data, err := readTile(r.db, level, tile)
	if err != nil {
		return nil, err
	}
	t := newHashTree(data, r.height)
	if !t.has(above, place) {
		return nil, fmt.Errorf("%s has %d hashes, want %d: %w", tileName(level, tile), len(t[0]), (place+1)<<above, ErrDamaged)
	}
	r.cache.keep(id, t)
	return t, nil
}

// group is tile for a part of one.
func (r *treeReader) group(level int, group uint64, above int, place uint64) (hashTree, error) {
	id := tileID{level, group}
	if t := r.groups[id]; t.has(above, place) {
		return t, nil
	}
	if t := r.cache.findEdge(id); t.has(above, place) {
		return t, nil
	}
	first := group << r.height
	var room [tileWidth * sha256.Size]byte
	data, err := r.readGroup(room[:0], level, first, 1<<r.height)
	if err != nil {
		return nil, err
	}
	t := newHashTree(data, r.height)
	if !t.has(above, place) {
		return nil, fmt.Errorf("%s has %d hashes from number %d on, want %d: %w", tileName(level, first/tileWidth), len(t[0]), first%tileWidth, (place+1)<<above, ErrDamaged)
	}
	r.groups[id] = t
	r.cache.keepEdge(id, t)
	return t, nil
}

// readGroup appends at most n hashes, which are all in one tile, from first on.
func (r *treeReader) readGroup(dst []byte, level int, first uint64, n int) ([]byte, error) {
	err := look(r.db, appendTileKey(nil, level, first/tileWidth), func(tile []byte) {
		from := min(int(first%tileWidth)*sha256.Size, len(tile))
		dst = append(dst, tile[from:min(from+n*sha256.Size, len(tile))]...)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", tileName(level, first/tileWidth), err)
	}
	return dst, nil
}

// hashTree has at [k] the roots of the complete subtrees of 2^k of a tile's hashes.
type hashTree [][]event.Hash

func newHashTree(data []byte, height int) hashTree {
	width := len(data) / sha256.Size
	room := make([]event.Hash, 0, 2*width)
	for i := range width {
		room = append(room, event.Hash(data[i*sha256.Size:]))
	}
	t := make(hashTree, height)
	t[0] = room
	for k := 1; k < height; k++ {
		below, from := t[k-1], len(room)
		for i := 0; i+1 < len(below); i += 2 {
			room = append(room, nodeHash(below[i], below[i+1]))
		}
		t[k] = room[from:]
	}
	return t
}

func (t hashTree) has(above int, place uint64) bool {
	return above < len(t) && place < uint64(len(t[above]))
}

// loadFrontier rebuilds the right edge of a tree of the given size, from what is stored now.
func (l *Ledger) loadFrontier(size uint64) (frontier, error) {
	f := frontier{size: size}
	r := l.treeReader(&tileCache{})
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
