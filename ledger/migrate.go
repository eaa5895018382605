package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
)

// Migrate makes the ledger in dir one of the newest format. What is in it stays as it is; older programs then refuse it. It fails with
// ErrInUse while another process has it open. After a crash on the way the ledger has its old format, and Migrate begins again.
func Migrate(dir string, opts Options) error {
	l, err := Open(dir, opts)
	if err != nil {
		return err
	}
	if err = l.queue.failure(); err == nil && l.format < middleFrom {
		err = l.addMiddleTiles()
	}
	if err == nil {
		err = writeFile(l.opts.FS, l.opts.FS.PathJoin(dir, formatFile), formatLine+strconv.Itoa(formatVersion)+"\n", true)
	}
	return errors.Join(err, l.Close())
}

// addMiddleTiles computes the middle tiles of a tree that has none. It needs a ledger that nobody else writes to.
func (l *Ledger) addMiddleTiles() error {
	size := l.Tree().Size
	for level := middleHeight; size>>level > 0; level += tileHeight {
		for tile := range (size>>level-1)/tileWidth + 1 {
			hashes, err := l.middleTile(level, tile, size>>level)
			if err == nil {
				err = l.db.Set(appendTileKey(nil, level, tile), hashes, pebble.NoSync)
			}
			if err != nil {
				return fmt.Errorf("add %s: %w", tileName(level, tile), err)
			}
		}
	}
	return l.db.LogData(nil, pebble.Sync) // and with it all before
}

// middleTile computes one whose level has n hashes.
func (l *Ledger) middleTile(level int, tile, n uint64) ([]byte, error) {
	hashes := make([]byte, 0, tileWidth*sha256.Size)
	r := l.treeReader(&tileCache{}) // as one without middle tiles
	for i := tile * tileWidth; i < min(n, (tile+1)*tileWidth); i++ {
		h, err := r.hash(level, i)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h[:]...)
	}
	return hashes, nil
}
