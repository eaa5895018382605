package ledger

import (
	"proctor/event"
)

// erase destroys the data key of a session and its content: recording an event of kind [event.Erasure] does so in the
// same commit. Entries, tree and proofs stay. Events recorded for the session afterwards get a new key. What was
// deleted leaves the files with [Ledger.Purge], which the ledger starts by itself.
func (c *committer) erase(b batch, name string, index event.Seq) error {
	s, err := c.session(name)
	if err != nil {
		return err
	}
	s.key, s.keyless = nil, true
	c.erased = append(c.erased, s)
	s.record.Erased = index
	if err := s.record.save(b, name); err != nil {
		return err
	}
	if err := b.Delete(nameKey(prefixKey, name), nil); err != nil {
		return err
	}
	if err := b.DeleteRange(nameKey(prefixContent, name+"\x00"), sessionEnd(prefixContent, name), nil); err != nil {
		return err
	}
	return b.Set(nameKey(prefixPurge, name), putNumber(uint64(index)), nil)
}

// forgive begins a new group: what the last one erased is gone from the store by now.
func (c *committer) forgive() {
	for _, s := range c.erased {
		s.keyless = false
	}
	c.erased = c.erased[:0]
}
