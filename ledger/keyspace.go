package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"proctor/event"
)

// Every key begins with one of these bytes; doc/ledger-format.md describes them. Numbers in
// keys are big-endian, so that byte order is numeric order.
const (
	prefixCheckpoint = 'C' // size -> signed note
	prefixHead       = 'H' // -> head
	prefixContent    = 'c' // session 0x00 index -> nonce and ciphertext
	prefixEntry      = 'e' // index -> entry
	prefixID         = 'i' // event id, 16 bytes -> index
	prefixKey        = 'k' // session -> wrapped data key
	prefixRecord     = 'r' // session -> session record
	prefixSession    = 's' // session 0x00 number -> index
	prefixRotation   = 'K' // index of the event that rotated the signing key -> both keys
	prefixHold       = 'h' // session -> index of the event that placed the hold
	prefixPurge      = 'z' // session -> index of its erasure, whose bytes may still be on the disk
	prefixTerm       = 'w' // hash of a term, run -> places in the run; search index
	prefixRun        = 'W' // run -> times of its entries; search index
	prefixRunTerms   = 'v' // run -> hashes of its terms; search index
	prefixTile       = 't' // level tile -> up to 256 hashes
	prefixCursor     = 'x' // name -> index
	prefixPosition   = 'p' // source -> number of its last message that was taken in
	prefixAccount    = 'X' // name of a cursor -> what its owner came to, in its own words
)

var headKey = []byte{prefixHead}

func numberKey(prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, n)
}

func appendNumberKey(dst []byte, prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, prefix), n)
}

// middleTile marks the keys of middle tiles.
const middleTile = 0x80

// appendTileKey makes the key of a tile of hashes of subtrees of 2^level leaves, level being a multiple of middleHeight.
func appendTileKey(dst []byte, level int, tile uint64) []byte {
	b := byte(level / tileHeight) //nolint:gosec // a tree has fewer than 64 levels
	if level%tileHeight != 0 {
		b |= middleTile
	}
	return binary.BigEndian.AppendUint64(append(dst, prefixTile, b), tile)
}

// tileName names a tile for people, as doc/ledger-format.md does.
func tileName(level int, tile uint64) string {
	name := fmt.Sprintf("tile %d/%d", level/tileHeight, tile)
	if level%tileHeight != 0 {
		return "middle " + name
	}
	return name
}

func nameKey(prefix byte, name string) []byte {
	return append([]byte{prefix}, name...)
}

// appendSessionKey makes keys under one session; a session id holds no zero byte.
func appendSessionKey(dst []byte, prefix byte, session string, n uint64) []byte {
	dst = append(append(dst, prefix), session...)
	return binary.BigEndian.AppendUint64(append(dst, 0), n)
}

func sessionKey(prefix byte, session string, n uint64) []byte {
	return appendSessionKey(nil, prefix, session, n)
}

// sessionEnd is above every key of one session under prefix.
func sessionEnd(prefix byte, session string) []byte {
	return append(nameKey(prefix, session), 1)
}

type idKey [1 + 16]byte

// newIDKey packs a valid event id.
func newIDKey(id event.ID) (idKey, error) {
	k := idKey{prefixID}
	var digits [2 * (len(k) - 1)]byte
	n := 0
	for i := range len(id) {
		if id[i] != '-' && n < len(digits) {
			digits[n] = id[i]
			n++
		}
	}
	if _, err := hex.Decode(k[1:], digits[:]); err != nil || n != len(digits) {
		return k, errors.New("event id is not a UUID")
	}
	return k, nil
}

func putNumber(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
