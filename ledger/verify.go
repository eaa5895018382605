package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"proctor/event"
)

// Verify recomputes everything from the stored bytes: each leaf, tile and root, each stored
// checkpoint and its signature, the sequences, the indexes, the content against its commitments,
// and whether sessions tell a complete story. What it notices is in the report; the error is
// for ctx and for a closed ledger only. It reads the ledger once, in order, next to running
// commits, on as many processors as there are, and covers what was durable when it began. Memory grows with the number of sessions,
// by about 200 bytes each, and with the events of sessions not yet closed, by two bytes each.
//
// With VerifyOptions.Quick it does of that what the tree takes: entries, tiles, head, checkpoints and their signatures. So it finds any change of
// an entry, and none of a content or an index; Report.Unchecked names what was left out.
//
// With VerifyOptions.Since it reads what came after that checkpoint, and the earlier entries of sessions that go on in there. Of what lies
// below it checks that the stored tree is still the signed one, so the new entries are the continuation of what was
// verified. A bit that changed below, in an entry, an index or a content, it does not see: nothing there is hashed again.
func (l *Ledger) Verify(ctx context.Context, opts VerifyOptions) (Report, error) {
	if err := l.begin(); err != nil {
		return Report{}, err
	}
	defer l.end()
	opts = opts.withDefaults()
	start := l.opts.Now()
	v := &verifier{
		findings: findings{&Report{Counts: map[Severity]int{}, PublicKey: l.key().public}, opts.MaxFindings},
		l:        l, opts: opts, now: start, head: l.Tree(), height: l.rowHeight(), decoder: l.newDecoder(), sessions: map[string]*story{}, kept: newKeepingWalk(),
	}
	if err := v.run(ctx); err != nil {
		return Report{}, err
	}
	if opts.Quick {
		v.report.Unchecked = unchecked
	}
	v.report.OK = v.report.Counts[SeverityError] == 0
	v.report.Entries, v.report.Root, v.report.Sessions = v.tree.size, v.tree.root(), len(v.sessions)
	v.report.Took = l.opts.Now().Sub(start)
	return *v.report, nil
}

// verifier is one run of Verify.
type verifier struct {
	findings
	l        *Ledger
	opts     VerifyOptions
	now      time.Time
	head     Tree
	decoder  *decoder
	workers  []*decoder
	ids      *seeker
	numbers  *sessionSeekers
	tree     frontier // recomputed
	since    uint64   // entries below it are not read
	height   int      // between the levels of the tree that are stored
	tiles    map[tileID][]byte
	points   checkpointWalk
	sessions map[string]*story
	kept     keepingWalk
	keys     keyWalk
	witness  witnessWalk
	stamps   timestampWalk
	emit     func(level int, n uint64, h event.Hash) // hash, made once
	received time.Time
}

const progressEvery = 1024

func (v *verifier) run(ctx context.Context) error {
	v.tiles, v.emit = map[tileID][]byte{}, v.hash
	if !v.opts.Quick {
		if err := v.lookAhead(); err != nil {
			v.unreadable(err)
			return nil
		}
		defer v.lookedAhead()
	}
	v.keys.begin(v)
	if v.opts.Since != "" && !v.resume() {
		return nil
	}
	v.witness.open(v)
	v.stamps.open(v)
	if err := v.points.open(v); err != nil {
		v.unreadable(err)
		return nil
	}
	defer v.points.close()
	whole := true
	err := v.each(ctx, func(r *reading) bool {
		if whole = v.index(r.key); !whole {
			return false
		}
		v.entry(r)
		v.points.reach(v)
		v.witness.reach(v)
		v.stamps.reach(v)
		if v.tree.size%progressEvery == 0 {
			v.opts.Progress(v.tree.size-v.since, v.head.Size-v.since)
		}
		return true
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.unreadable(err)
		return nil
	case !whole:
		return nil
	}
	v.ending()
	v.opts.Progress(v.tree.size-v.since, v.head.Size-v.since)
	return nil
}

// lookAhead readies what finds the indexes and the content of one entry after the other. It begins after the head was read, so it
// finds what belongs to all entries below it.
func (v *verifier) lookAhead() (err error) {
	v.numbers = newSessionSeekers(v.l.db, prefixSession)
	if v.ids, err = newSeeker(v.l.db, []byte{prefixID}, []byte{prefixID + 1}); err != nil {
		return err
	}
	if v.workers, err = v.l.newWorkers(); err != nil {
		return err
	}
	return v.decoder.readAhead()
}

func (v *verifier) lookedAhead() {
	for _, d := range append(v.workers, v.decoder) {
		_ = d.close()
	}
	_ = v.numbers.close()
	if v.ids != nil {
		_ = v.ids.close()
	}
}

// unreadable ends the walk: the store itself cannot give the next entry back.
func (v *verifier) unreadable(err error) {
	v.add(SeverityError, at(CodeStoreUnreadable, event.Seq(v.tree.size), "the store cannot read on: "+err.Error()))
}

// index is false when entries are missing: later leaves then have no place in the tree.
func (v *verifier) index(key []byte) bool {
	if len(key) != 9 {
		v.add(SeverityError, at(CodeEntryExtra, event.Seq(v.tree.size), fmt.Sprintf("key %x is no entry key", key)))
		return false
	}
	if n := binary.BigEndian.Uint64(key[1:]); n != v.tree.size {
		v.add(SeverityError, at(CodeEntryMissing, event.Seq(v.tree.size), fmt.Sprintf("entries %d to %d are missing; nothing after them was checked", v.tree.size, n-1)))
		return false
	}
	return true
}

// entry checks one entry and everything that refers to it.
func (v *verifier) entry(r *reading) {
	v.tree.push(r.leaf, v.emit)
	if v.opts.Quick {
		v.quick(r.index, r.raw)
		return
	}
	index, s, h := r.index, r.stored, r.head
	if r.unread != nil {
		v.add(SeverityError, at(CodeEntryUnreadable, index, r.unread.Error()))
		return
	}
	if s.index != index {
		v.about(SeverityError, CodeEntryIndex, index, h, fmt.Sprintf("the entry says it is number %d", s.index))
	}
	if s.received.Before(v.received) {
		v.about(SeverityNote, CodeClockBack, index, h, fmt.Sprintf("the ledger's clock went back by %v", v.received.Sub(s.received)))
	}
	v.received = s.received
	v.indexes(index, s, h)
	st, ok := v.sessions[h.Session]
	if !ok {
		st = &story{first: index}
		v.sessions[h.Session] = st
		if v.since > 0 && s.sessionSeq > 1 {
			if err := v.recall(st, h.Session, s.sessionSeq); err != nil {
				v.about(SeverityError, CodeSessionIndex, index, h, "what the session told before cannot be read: "+err.Error())
			}
		}
	}
	v.number(st, index, s, h)
	e := v.event(r)
	v.tell(st, index, s, h, e)
	v.kept.note(index, e)
	v.keys.note(v, index, h, e)
}

// hash compares one recomputed hash with its tile.
func (v *verifier) hash(level int, n uint64, h event.Hash) {
	if level%v.height != 0 {
		return
	}
	id := tileID{level, n / tileWidth}
	tile, ok := v.tiles[id]
	if !ok {
		var err error
		if tile, err = readTile(v.l.db, level, n/tileWidth); err != nil {
			v.add(SeverityError, at(CodeTileMissing, event.Seq(v.tree.size), err.Error()))
		}
		v.tiles[id] = tile
	}
	place := int(n%tileWidth) * len(h)
	switch {
	case len(tile) < place+len(h):
		v.add(SeverityError, at(CodeTileMissing, event.Seq(v.tree.size), fmt.Sprintf("%s has no hash %d", tileName(level, n/tileWidth), n%tileWidth)))
	case !bytes.Equal(tile[place:place+len(h)], h[:]):
		v.add(SeverityError, at(CodeTileHash, event.Seq(v.tree.size), fmt.Sprintf("hash %d of %s is %x, the entries give %s", n%tileWidth, tileName(level, n/tileWidth), tile[place:place+len(h)], h)))
	}
	if n%tileWidth == tileWidth-1 {
		delete(v.tiles, id)
	}
}

// indexes checks that the entry is found by its id and by its number.
func (v *verifier) indexes(index event.Seq, s stored, h entryHead) {
	var want [8]byte
	binary.BigEndian.PutUint64(want[:], uint64(index))
	if key, err := newIDKey(h.ID); err == nil {
		got, err := v.ids.find(key[:])
		if err != nil || !bytes.Equal(got, want[:]) {
			code := CodeIDIndex
			if len(got) == 8 && binary.BigEndian.Uint64(got) != uint64(index) {
				code = CodeIDTwice
			}
			v.about(SeverityError, code, index, h, fmt.Sprintf("the id leads to %x, not to this entry", got))
		}
	}
	got, err := v.numbers.find(h.Session, s.sessionSeq)
	if err != nil || !bytes.Equal(got, want[:]) {
		v.about(SeverityError, CodeSessionIndex, index, h, fmt.Sprintf("number %d of the session leads to %x, not to this entry", s.sessionSeq, got))
	}
}

// event is that of an entry, nil when it is not readable.
func (v *verifier) event(r *reading) *event.Event {
	switch {
	case !r.head.known():
		v.about(SeverityWarning, CodeUnknownKind, r.index, r.head, fmt.Sprintf("kind %q, schema %d, is not known to this program: its payload was not checked", r.head.Kind, r.head.Schema))
		return nil
	case r.undecoded != nil:
		v.about(SeverityError, CodePayload, r.index, r.head, r.undecoded.Error())
		return nil
	case r.content != nil:
		v.about(SeverityError, CodeContentDamaged, r.index, r.head, r.content.Error())
	case r.absent:
		v.absent(r.index, r.head)
	}
	return r.event
}

// absent tells content that was erased from content that is missing.
func (v *verifier) absent(index event.Seq, h entryHead) {
	record, err := loadRecord(v.l.db, h.Session)
	if err == nil && record != nil && index < record.Erased {
		if st := v.sessions[h.Session]; !st.erased {
			st.erased = true
			v.add(SeverityNote, Finding{Code: CodeContentErased, Session: h.Session, Message: fmt.Sprintf("content up to entry %d was erased", record.Erased-1)})
		}
		return
	}
	v.about(SeverityError, CodeContentMissing, index, h, "the entry commits to content that is not stored, and the session was not erased")
}

// ending checks what stands at the end of the walk.
func (v *verifier) ending() {
	if v.tree.size != v.head.Size {
		v.add(SeverityError, at(CodeEntryMissing, event.Seq(v.tree.size), fmt.Sprintf("the head names %d entries, %d are stored", v.head.Size, v.tree.size)))
	}
	if count, err := entryCount(v.l.db); err == nil && v.l.queue.failure() != nil && count > v.head.Size {
		v.add(SeverityError, at(CodeHeadSize, event.Seq(v.head.Size), fmt.Sprintf("%d entries are stored above the head, which names %d", count-v.head.Size, v.head.Size)))
	}
	if root := v.tree.root(); v.tree.size == v.head.Size && root != v.head.Root {
		v.add(SeverityError, Finding{Code: CodeHeadRoot, Message: fmt.Sprintf("the head names root %s, the entries give %s", v.head.Root, root)})
	}
	v.points.rest(v)
	v.keys.rest(v)
	v.witness.rest(v)
	v.stamps.rest(v)
	v.known()
	if v.opts.Quick {
		return
	}
	v.records()
	v.keeping()
	v.unclosed()
}

// records checks that each session has its record, which Sessions reads.
func (v *verifier) records() {
	for name, st := range v.sessions {
		record, err := loadRecord(v.l.db, name)
		switch {
		case err != nil:
			v.add(SeverityError, Finding{Code: CodeSessionRecord, Session: name, Message: err.Error()})
		case record == nil:
			v.add(SeverityError, Finding{Code: CodeSessionRecord, Session: name, Message: "session " + name + " has no record"})
		case record.First != st.first:
			v.add(SeverityError, Finding{Code: CodeSessionRecord, Session: name, Message: fmt.Sprintf("the record of session %s says it begins at entry %d, it begins at %d", name, record.First, st.first)})
		case record.Originator != "" && st.begun && record.Originator != st.by:
			v.add(SeverityError, Finding{Code: CodeSessionRecord, Session: name, Message: fmt.Sprintf("the record of session %s says that %q began it, its newest conversation_starts says %q", name, record.Originator, st.by)})
		}
	}
}
