package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// batch is what one commit changes.
type batch = *pebble.Batch

// committer builds groups and hands them to Pebble. Only its goroutine touches it.
type committer struct {
	l        *Ledger
	tree     frontier
	tiles    tileWriter
	sessions map[string]*session
	recent   *recent
	past     past
	plans    planner
	entry    []byte // scratch
	sealed   []byte // scratch
	key      []byte // scratch
	bound    []byte // scratch
	holds    map[string]event.Seq
	erased   []*session // in the group at hand
	// unindexed are entries in the batch whose indexes and contents are not.
	unindexed []*prepared
	// positions in sources that were asked for, with what is in the group at hand.
	positions map[string]uint64
}

// group is what one sync makes durable.
type group struct {
	batch batch // nil when nothing has to be waited for
	ops   []*op
	tree  Tree
	purge bool // something was erased
}

func newCommitter(l *Ledger, tree frontier, ids *recent, holds map[string]event.Seq) *committer {
	c := &committer{
		l: l, tree: tree, tiles: tileWriter{height: l.rowHeight()}, sessions: map[string]*session{}, recent: ids, past: past{db: l.db}, holds: holds,
		positions: map[string]uint64{},
	}
	c.plans = planner{view: c, next: event.Seq(tree.size), group: map[idKey]*prepared{}}
	return c
}

// run commits group after group until the ledger stops or fails. While more is waiting, a group's
// sync is left to the syncer and the next group is built; Pebble writes and syncs them in this order.
// Otherwise the committer waits itself, which saves a lone writer a switch between goroutines.
func (c *committer) run() {
	defer close(c.l.groups)
	for {
		runtime.Gosched() // those that the last group woke submit their next events now
		ops, ok := c.l.queue.take(nil)
		if !ok {
			return
		}
		g, err := c.commit(ops)
		if err != nil {
			c.l.fail(err)
			return
		}
		if c.l.queue.failure() != nil { // Pebble told its logger and returned nil
			return
		}
		if c.l.syncing.Load() == 0 && c.l.queue.empty() {
			if !c.l.finish(g) {
				return
			}
			continue
		}
		c.l.syncing.Add(1)
		select {
		case c.l.groups <- g:
		case <-c.l.down:
			return
		}
	}
}

// commit returns an error only when the ledger cannot go on.
func (c *committer) commit(ops []*op) (group, error) {
	b := c.l.db.NewBatch()
	now := c.l.opts.Now().UTC().Truncate(time.Microsecond)
	clear(c.plans.group)
	defer c.past.close()
	before, sync := c.tree.size, false
	c.forgive()
	for _, o := range ops {
		if err := c.add(b, o, now); err != nil {
			return group{}, err
		}
		sync = sync || !o.noSync
	}
	g := group{ops: ops}
	if err := c.settle(b); err != nil {
		return group{}, err
	}
	if c.tree.size != before {
		if err := c.tiles.flush(b); err != nil {
			return group{}, err
		}
		c.key = appendHead(c.key[:0], Tree{c.tree.size, c.tree.root()})
		if err := b.Set(headKey, c.key, nil); err != nil {
			return group{}, fmt.Errorf("set head: %w", err)
		}
	}
	g.tree, g.purge = Tree{c.tree.size, c.tree.root()}, len(c.erased) > 0
	c.recent.trim()
	if len(c.sessions) > maxSessions {
		clear(c.sessions)
	}
	switch {
	case b.Empty():
		return g, b.Close()
	case !sync:
		if err := c.l.db.Apply(b, pebble.NoSync); err != nil {
			return group{}, fmt.Errorf("commit: %w", err)
		}
		return g, b.Close()
	}
	if err := c.l.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		return group{}, fmt.Errorf("commit: %w", err)
	}
	g.batch = b
	return g, nil
}

// add plans one op and writes it to the batch. What is wrong with the op alone goes into o.err.
func (c *committer) add(b batch, o *op, now time.Time) error {
	switch {
	case o.refused != nil:
		o.err = o.refused
		return nil
	case o.write != nil:
		if err := c.settle(b); err != nil {
			return err
		}
		return o.write(b)
	}
	var err error
	if o.span != nil {
		err = c.follows(*o.span)
	}
	if err == nil {
		err = c.admit(o)
	}
	if err == nil {
		err = c.plans.plan(o)
	}
	if err != nil {
		o.err = err
		if refuses(err) {
			return nil
		}
		return err
	}
	o.receipts = make([]event.Receipt, len(o.events))
	for i := range o.events {
		e := &o.events[i]
		if e.isNew() {
			e.received = now
			if err := c.put(b, e); err != nil {
				return fmt.Errorf("write entry %d: %w", e.index, err)
			}
			if err := c.obey(b, o.keeping, e.index); err != nil {
				return fmt.Errorf("entry %d: %w", e.index, err)
			}
		}
		o.receipts[i] = e.receipt()
	}
	if o.span != nil {
		return c.advance(b, *o.span)
	}
	return nil
}

// put writes one new entry and its hashes; settle does the rest.
func (c *committer) put(b batch, e *prepared) error {
	c.entry = appendEntry(append(c.entry[:0], 0), stored{e.index, e.received, e.sessionSeq, e.public})
	entry := c.entry[1:]
	e.leaf = sum(c.entry) // the zero byte before the entry is the leaf's domain, RFC 6962 section 2.1
	c.tree.push(e.leaf, c.tiles.add)
	c.key = appendNumberKey(c.key[:0], prefixEntry, uint64(e.index))
	if err := b.Set(c.key, entry, nil); err != nil {
		return err
	}
	c.recent.add(e.key, e.index)
	s, err := c.session(e.head.Session)
	if err != nil {
		return err
	}
	if s.note(e.head.Kind, e.index, e.public) {
		if err := s.record.save(b, e.head.Session); err != nil {
			return err
		}
	}
	c.unindexed = append(c.unindexed, e)
	return nil
}

// settle writes indexes and contents of the entries that lack them, in the order of their keys, which halves what Pebble's memtable costs.
func (c *committer) settle(b batch) error {
	list := c.unindexed
	c.unindexed = list[:0]
	defer clear(list)
	var index [8]byte
	slices.SortFunc(list, func(a, b *prepared) int { return bytes.Compare(a.key[:], b.key[:]) })
	for _, e := range list {
		binary.BigEndian.PutUint64(index[:], uint64(e.index))
		if err := b.Set(e.key[:], index[:], nil); err != nil {
			return err
		}
	}
	slices.SortFunc(list, func(a, b *prepared) int {
		return cmp.Or(cmp.Compare(a.head.Session, b.head.Session), cmp.Compare(a.index, b.index))
	})
	for _, e := range list {
		binary.BigEndian.PutUint64(index[:], uint64(e.index))
		c.key = appendSessionKey(c.key[:0], prefixSession, e.head.Session, e.sessionSeq)
		if err := b.Set(c.key, index[:], nil); err != nil {
			return err
		}
	}
	for _, e := range list {
		if e.content == nil {
			continue
		}
		if err := c.putContent(b, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *committer) putContent(b batch, e *prepared) error {
	s, err := c.session(e.head.Session)
	if err != nil {
		return err
	}
	if s.key == nil {
		if err := c.dataKey(b, s, e.head.Session); err != nil {
			return err
		}
	}
	c.bound = appendBound(c.bound[:0], e.head.ID, e.index)
	c.sealed = appendSealed(c.sealed[:0], s.key, e.content, c.bound)
	c.key = appendSessionKey(c.key[:0], prefixContent, e.head.Session, uint64(e.index))
	return b.Set(c.key, c.sealed, nil)
}

func (c *committer) dataKey(b batch, s *session, name string) (err error) {
	if !s.keyless {
		if s.key, err = loadDataKey(c.l.db, c.l.keys.master, name); err != nil || s.key != nil {
			return err
		}
	}
	var wrapped []byte
	if s.key, wrapped, err = newDataKey(c.l.keys.master, name); err != nil {
		return err
	}
	return b.Set(nameKey(prefixKey, name), wrapped, nil)
}

// session implements view.
func (c *committer) session(name string) (*session, error) {
	if s, ok := c.sessions[name]; ok {
		return s, nil
	}
	s, err := loadSession(c.l.db, name)
	if err != nil {
		return nil, err
	}
	c.sessions[name] = s
	return s, nil
}

// known implements view.
func (c *committer) known(key idKey) ([]byte, *event.Receipt, error) {
	index, found, decided := c.recent.find(key)
	if !decided {
		var err error
		if index, found, err = c.past.find(key); err != nil {
			return nil, nil, err
		}
	}
	if !found {
		return nil, nil, nil
	}
	raw, err := get(c.l.db, numberKey(prefixEntry, uint64(index)))
	if err != nil {
		return nil, nil, err
	}
	s, err := parseEntry(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("entry %d: %w: %w", index, err, ErrDamaged)
	}
	head, err := parseHeadOf(s.public)
	if err != nil {
		return nil, nil, fmt.Errorf("entry %d: %w: %w", index, err, ErrDamaged)
	}
	return s.public, &event.Receipt{ID: head.ID, Seq: s.index, SessionSeq: s.sessionSeq, Leaf: leafHash(raw), Received: s.received}, nil
}

// refuses tells what is wrong with one submission from what ends the ledger.
func refuses(err error) bool {
	for _, one := range []error{ErrGap, ErrConflict, ErrHeld, ErrRotation, ErrUnknownSession, event.ErrPosition} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
