package ledger

import (
	"crypto/sha256"
	"math/bits"

	"proctor/event"
)

// tileHeight and tileWidth are those of C2SP tlog-tiles, which store every eighth level of the tree. Between those lies a level of middle tiles.
const (
	tileHeight   = 8
	tileWidth    = 1 << tileHeight
	middleHeight = tileHeight / 2
)

// frontier is the right edge of the tree: for each bit set in size the root of one
// complete subtree, so appending reads nothing. The zero value is the empty tree.
type frontier struct {
	size  uint64
	nodes [64]event.Hash // nodes[l] is valid when bit l of size is set
}

// push adds a leaf hash and calls emit for every hash that belongs into a tile: the leaf, and
// the root of each subtree of 2^level leaves that it completes, level being a multiple of middleHeight. n counts hashes of that level.
func (f *frontier) push(leaf event.Hash, emit func(level int, n uint64, h event.Hash)) {
	emit(0, f.size, leaf)
	h, level := leaf, 0
	for f.size>>level&1 == 1 {
		h = nodeHash(f.nodes[level], h)
		level++
		if level%middleHeight == 0 {
			emit(level, f.size>>level, h)
		}
	}
	f.nodes[level] = h
	f.size++
}

// root is the Merkle tree hash of RFC 6962 section 2.1; of the empty tree SHA-256 of nothing.
func (f *frontier) root() event.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	level := bits.TrailingZeros64(f.size)
	h := f.nodes[level]
	for level++; f.size>>level != 0; level++ {
		if f.size>>level&1 == 1 {
			h = nodeHash(f.nodes[level], h)
		}
	}
	return h
}

func nodeHash(left, right event.Hash) event.Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}
