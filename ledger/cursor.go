package ledger

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// maxCursorName bounds the name of a cursor, in bytes.
const maxCursorName = 256

// Cursor returns the position that Settle stored under name, 0 when it stored none.
func (l *Ledger) Cursor(name string) (event.Seq, error) {
	if err := l.begin(); err != nil {
		return 0, err
	}
	defer l.end()
	v, err := get(l.db, nameKey(prefixCursor, name))
	if err != nil {
		return 0, fmt.Errorf("read cursor %q: %w", name, err)
	}
	if v == nil {
		return 0, nil
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("cursor %q: %w", name, ErrDamaged)
	}
	return event.Seq(binary.BigEndian.Uint64(v)), nil
}

// maxAccount bounds an account, in bytes.
const maxAccount = 4096

// Settle stores a position, by convention the first entry that its owner has not handled, with an account of what that owner came
// to by then: both or neither. With durable it waits for a sync, and readers beside the owner see it. Without,
// a crash may take both back to older values: then entries are exported twice and the receiver tells them by their id. A sync for each
// batch exported would slow everybody else's records.
func (l *Ledger) Settle(name string, seq event.Seq, account []byte, durable bool) error {
	if name == "" || len(name) > maxCursorName || len(account) > maxAccount {
		return fmt.Errorf("cursor name of %d bytes and account of %d, want 1 to %d and at most %d", len(name), len(account), maxCursorName, maxAccount)
	}
	err := l.write(context.Background(), !durable, func(b batch) error {
		if err := b.Set(nameKey(prefixAccount, name), account, nil); err != nil {
			return err
		}
		return b.Set(nameKey(prefixCursor, name), putNumber(uint64(seq)), nil)
	})
	if err != nil {
		return fmt.Errorf("settle cursor %q at %d: %w", name, seq, err)
	}
	return nil
}

// Account returns what Settle stored under name, nil when it stored nothing.
func (l *Ledger) Account(name string) ([]byte, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	v, err := get(l.db, nameKey(prefixAccount, name))
	if err != nil {
		return nil, fmt.Errorf("read account of cursor %q: %w", name, err)
	}
	return v, nil
}

// CursorNames are the names that have a position, in order.
func (l *Ledger) CursorNames() ([]string, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixCursor}, UpperBound: []byte{prefixCursor + 1}})
	if err != nil {
		return nil, fmt.Errorf("list cursors: %w", err)
	}
	var names []string
	for it.First(); it.Valid(); it.Next() {
		names = append(names, string(it.Key()[1:]))
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("list cursors: %w", err)
	}
	return names, nil
}
