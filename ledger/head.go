package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

const (
	headVersion = 1
	headSize    = 1 + 8 + 32
)

func appendHead(dst []byte, t Tree) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, headVersion), t.Size)
	return append(dst, t.Root[:]...)
}

func parseHead(b []byte) (Tree, error) {
	if len(b) != headSize || b[0] != headVersion {
		return Tree{}, fmt.Errorf("head record of %d bytes, want %d of version %d: %w", len(b), headSize, headVersion, ErrDamaged)
	}
	return Tree{binary.BigEndian.Uint64(b[1:]), event.Hash(b[9:])}, nil
}

// loadHead reads the stored head; a ledger without one is empty.
func loadHead(db pebble.Reader) (Tree, error) {
	b, err := get(db, headKey)
	if err != nil {
		return Tree{}, fmt.Errorf("read head: %w", err)
	}
	if b == nil {
		return Tree{Root: new(frontier).root()}, nil
	}
	return parseHead(b)
}

// entryCount is one more than the highest stored index.
func entryCount(db pebble.Reader) (uint64, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixEntry}, UpperBound: []byte{prefixEntry + 1}})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.Last() {
		return 0, it.Error()
	}
	if len(it.Key()) != 9 {
		return 0, fmt.Errorf("entry key %x: %w", it.Key(), ErrDamaged)
	}
	return binary.BigEndian.Uint64(it.Key()[1:]) + 1, nil
}
