package ledger

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

var _ event.Reader = (*Ledger)(nil)

// maxRead is after how many bytes Read returns what it has.
const maxRead = 4 << 20

// Read implements event.Reader. An entry whose content was erased has its event without
// content; an event of a kind or schema that this program does not know is nil. One damaged
// entry must not stop those who follow the ledger: content that does not open or is not what
// was committed to is left out, a payload that does not decode gives a nil event, both are
// logged, and Verify names them. Only an entry whose envelope is unreadable is an error.
func (l *Ledger) Read(ctx context.Context, from event.Seq, limit int) ([]event.Entry, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	entries, err := l.read(ctx, from, limit, maxRead)
	if err != nil {
		return nil, fmt.Errorf("read ledger from %d: %w", from, err)
	}
	return entries, nil
}

// read stops after limit entries, or when they have maxBytes bytes; 0 is no bound.
func (l *Ledger) read(ctx context.Context, from event.Seq, limit, maxBytes int) ([]event.Entry, error) {
	size := l.Tree().Size
	if uint64(from) >= size || limit <= 0 {
		return nil, ctx.Err()
	}
	it, err := l.db.NewIter(&pebble.IterOptions{
		LowerBound: numberKey(prefixEntry, uint64(from)), UpperBound: numberKey(prefixEntry, size),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var entries []event.Entry
	d := l.newDecoder()
	if limit > fewEntries {
		if err := d.readAhead(); err != nil {
			return nil, err
		}
		defer func() { _ = d.close() }()
	}
	bytes := 0
	for it.First(); it.Valid() && len(entries) < limit && (maxBytes == 0 || bytes < maxBytes); it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		want := from + event.Seq(len(entries))
		e, n, err := d.entry(want, it.Value())
		if err != nil {
			return nil, err
		}
		bytes += n
		entries = append(entries, e)
	}
	if err := it.Error(); err != nil {
		return nil, err
	}
	return entries, nil
}

// fewEntries are looked up one by one: to look ahead costs more than it saves.
const fewEntries = 8

// Session implements event.Reader.
func (l *Ledger) Session(ctx context.Context, session string, from uint64, limit int) ([]event.Entry, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.end()
	entries, err := l.session(ctx, session, from, limit)
	if err != nil {
		return nil, fmt.Errorf("read session %s from %d: %w", session, from, err)
	}
	return entries, nil
}

func (l *Ledger) session(ctx context.Context, session string, from uint64, limit int) ([]event.Entry, error) {
	size := l.Tree().Size
	it, err := l.db.NewIter(&pebble.IterOptions{
		LowerBound: sessionKey(prefixSession, session, from), UpperBound: sessionEnd(prefixSession, session),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var entries []event.Entry
	d := l.newDecoder()
	if limit > fewEntries {
		if err := d.readAhead(); err != nil {
			return nil, err
		}
		defer func() { _ = d.close() }()
	}
	for it.First(); it.Valid() && len(entries) < limit; it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(it.Value()) != 8 {
			return nil, fmt.Errorf("index key %x: %w", it.Key(), ErrDamaged)
		}
		index := binary.BigEndian.Uint64(it.Value())
		if index >= size { // not synced yet
			break
		}
		e, err := d.at(event.Seq(index))
		if err != nil {
			return nil, err
		}
		if e.Session != session {
			return nil, fmt.Errorf("entry %d belongs to session %s: %w", index, e.Session, ErrDamaged)
		}
		entries = append(entries, e)
	}
	return entries, it.Error()
}

// decoder turns stored entries into events. It remembers data keys of sessions.
type decoder struct {
	db     pebble.Reader
	master cipher.AEAD
	log    *slog.Logger
	keys   map[string]cipher.AEAD // nil for a session that has none
	// These make reading many entries in their order cheaper than looking each up; nil does that.
	contents *sessionSeekers
	entries  *seeker
	bound    []byte // scratch
	hashed   []byte // scratch
	plain    []byte // scratch
	unpacked []byte // scratch
}

// readAhead readies d for many entries in their order; call close afterwards.
func (d *decoder) readAhead() (err error) {
	d.contents = newSessionSeekers(d.db, prefixContent)
	d.entries, err = newSeeker(d.db, []byte{prefixEntry}, []byte{prefixEntry + 1})
	return err
}

func (d *decoder) close() error {
	if d.entries == nil {
		return nil
	}
	return errors.Join(d.contents.close(), d.entries.close())
}

func (l *Ledger) newDecoder() *decoder {
	return &decoder{db: l.db, master: l.keys.master, log: l.opts.Logger, keys: map[string]cipher.AEAD{}}
}

func (d *decoder) at(index event.Seq) (e event.Entry, err error) {
	var raw []byte
	if key := numberKey(prefixEntry, uint64(index)); d.entries != nil {
		raw, err = d.entries.find(key)
	} else {
		raw, err = get(d.db, key)
	}
	if err != nil {
		return event.Entry{}, fmt.Errorf("entry %d: %w", index, err)
	}
	e, _, err = d.entry(index, raw)
	return e, err
}

// entry decodes the entry at index, with its content; n is how many bytes were read. raw is copied.
func (d *decoder) entry(index event.Seq, raw []byte) (e event.Entry, n int, err error) {
	leaf, buf := leafHashIn(make([]byte, 0, 1+len(raw)), raw)
	raw = buf[1:]
	s, err := parseEntry(raw)
	if err == nil && s.index != index {
		err = fmt.Errorf("it says it is entry %d", s.index)
	}
	if err != nil {
		return e, 0, fmt.Errorf("entry %d: %w: %w", index, err, ErrDamaged)
	}
	head, opened, undecoded, err := decodePublic(s.public)
	if err != nil {
		return e, 0, fmt.Errorf("entry %d: %w: %w", index, err, ErrDamaged)
	}
	e = event.Entry{
		Receipt: event.Receipt{ID: head.ID, Seq: s.index, SessionSeq: s.sessionSeq, Leaf: leaf, Received: s.received},
		Kind:    head.Kind, Session: head.Session, Raw: json.RawMessage(raw),
	}
	if !head.known() {
		return e, len(raw), nil
	}
	n = len(raw)
	content, err := d.content(head, index)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return e, 0, fmt.Errorf("entry %d: content: %w", index, err)
	}
	if err == nil {
		n += len(content)
		if err = undecoded; err == nil {
			err = event.Attach(opened, content)
		}
		if err == nil {
			e.Event = opened
			return e, n, nil
		}
	}
	d.log.Error("entry is damaged; run verify", "entry", uint64(index), "err", err)
	e.Event, _ = event.Decode(event.Encoded{Public: s.public}) // nil when the payload is the damage
	return e, n, nil
}

// decodePublic reads a public part. undecoded is why there is no event although the envelope could be read.
func decodePublic(public []byte) (h entryHead, e *event.Event, undecoded, err error) {
	if e, undecoded = event.Decode(event.Encoded{Public: public}); undecoded == nil {
		return entryHead{ID: e.ID, Kind: e.Kind, Schema: e.Schema, Session: e.Session, Seq: e.Seq, Call: e.Call}, e, nil, nil
	}
	h, err = parseHeadOf(public)
	return h, nil, undecoded, err
}

// content returns nil when there is none, or no key to it any more. It is valid until the next call.
func (d *decoder) content(h entryHead, index event.Seq) ([]byte, error) {
	key, err := d.dataKey(h.Session)
	if err != nil || key == nil {
		return nil, err
	}
	var sealed []byte
	if d.contents != nil {
		sealed, err = d.contents.find(h.Session, uint64(index))
	} else {
		sealed, err = get(d.db, sessionKey(prefixContent, h.Session, uint64(index)))
	}
	if err != nil || sealed == nil {
		return nil, err
	}
	d.bound = appendBound(d.bound[:0], h.ID, index)
	plain, err := openIn(d.plain[:0], key, sealed, d.bound)
	if err != nil {
		return nil, err
	}
	d.plain = plain
	plain, d.unpacked, err = unpack(plain, d.unpacked)
	return plain, err
}

// dataKey is nil for a session without one.
func (d *decoder) dataKey(session string) (cipher.AEAD, error) {
	key, ok := d.keys[session]
	if ok {
		return key, nil
	}
	key, err := loadDataKey(d.db, d.master, session)
	if err != nil {
		return nil, err
	}
	if len(d.keys) >= maxSeekers {
		clear(d.keys)
	}
	d.keys[session] = key
	return key, nil
}

// entryHead is as much of a public part as must be readable whatever program wrote it.
type entryHead struct {
	ID      event.ID   `json:"id"`
	Kind    event.Kind `json:"kind"`
	Schema  int        `json:"schema"`
	Session string     `json:"session"`
	Seq     uint64     `json:"seq"`
	Call    string     `json:"call"`
}

func parseHeadOf(public []byte) (entryHead, error) {
	if h, ok := scanHead(public); ok {
		return h, nil
	}
	var h entryHead
	if err := json.Unmarshal(public, &h); err != nil {
		return h, fmt.Errorf("event: %w", err)
	}
	if !h.ID.Valid() {
		return h, fmt.Errorf("event id %q is not a UUID", h.ID)
	}
	if err := event.CheckSession(h.Session); err != nil {
		return h, fmt.Errorf("event %s: %w", h.ID, err)
	}
	return h, nil
}

// known is false for events that a newer program wrote.
func (h entryHead) known() bool {
	c, ok := event.Lookup(h.Kind)
	return ok && h.Schema <= c.Schema
}
