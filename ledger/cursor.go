package ledger

import (
	"context"
	"encoding/binary"
	"fmt"

	"proctor/event"
)

// maxCursorName bounds the name of a cursor, in bytes.
const maxCursorName = 256

// Cursor returns the position that SetCursor stored under name, 0 when it stored none.
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

// SetCursor stores a position: by convention the first entry that its owner has not handled.
// It does not wait for a sync. A crash may take the cursor back to an older value, then
// entries are exported twice and the receiver tells them by their id; a sync for each batch
// exported would slow everybody else's records.
func (l *Ledger) SetCursor(name string, seq event.Seq) error {
	if name == "" || len(name) > maxCursorName {
		return fmt.Errorf("cursor name of %d bytes, want 1 to %d", len(name), maxCursorName)
	}
	err := l.write(context.Background(), true, func(b batch) error {
		return b.Set(nameKey(prefixCursor, name), putNumber(uint64(seq)), nil)
	})
	if err != nil {
		return fmt.Errorf("set cursor %q to %d: %w", name, seq, err)
	}
	return nil
}
