package ledger

import (
	"context"
	"fmt"

	"proctor/event"
)

// EraseSession destroys the data key of a session and its content, and returns how many entries
// the session has. Entries, tree and proofs stay. The caller records the erasure as an event.
// Events recorded for the session afterwards get a new key.
//
// The key and the content are also removed from Pebble's tables before EraseSession returns.
// Write-ahead logs that Pebble keeps to reuse, and copies of the directory, are not reached:
// see doc/ledger-format.md.
func (l *Ledger) EraseSession(ctx context.Context, session string) (uint64, error) {
	if err := l.begin(); err != nil {
		return 0, err
	}
	defer l.end()
	var entries uint64
	var refused error
	err := l.write(ctx, false, func(b batch) error {
		entries, refused = l.committer.erase(b, session)
		return nil
	})
	if err == nil {
		err = refused
	}
	if err == nil {
		err = l.purge(ctx, session)
	}
	if err != nil {
		return 0, fmt.Errorf("erase session %q: %w", session, err)
	}
	return entries, nil
}

// erase runs in the committer's goroutine, between submissions.
func (c *committer) erase(b batch, name string) (uint64, error) {
	s, err := c.session(name)
	if err != nil {
		return 0, err
	}
	if !s.known {
		return 0, ErrUnknownSession
	}
	s.key = nil
	s.record.Erased = event.Seq(c.plans.next)
	if err := s.record.save(b, name); err != nil {
		return 0, err
	}
	if err := b.Delete(nameKey(prefixKey, name), nil); err != nil {
		return 0, err
	}
	return s.last, b.DeleteRange(nameKey(prefixContent, name+"\x00"), sessionEnd(prefixContent, name), nil)
}

// purge rewrites the tables that hold what was deleted.
func (l *Ledger) purge(ctx context.Context, session string) error {
	if err := l.db.Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := l.db.Compact(ctx, nameKey(prefixKey, session), nameKey(prefixKey, session+"\x00"), false); err != nil {
		return fmt.Errorf("compact keys: %w", err)
	}
	if err := l.db.Compact(ctx, nameKey(prefixContent, session), sessionEnd(prefixContent, session), false); err != nil {
		return fmt.Errorf("compact content: %w", err)
	}
	return nil
}
