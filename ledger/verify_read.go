package ledger

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// reading is one entry with everything about it that needs no other entry. Its bytes are valid until the next one is asked for.
type reading struct {
	key, raw  []byte
	index     event.Seq
	leaf      event.Hash
	stored    stored
	head      entryHead
	event     *event.Event // nil where the payload cannot be read
	unread    error        // why entry or envelope cannot be read
	undecoded error        // why the payload cannot be read
	content   error        // what is wrong with the content
	absent    bool         // it commits to content that is not stored
}

// each gives the entries that are to be verified to check, in order, until that is false. The error is one of the store or of ctx.
func (v *verifier) each(ctx context.Context, check func(*reading) bool) error {
	it, err := v.l.db.NewIter(entriesFrom(v.since))
	if err != nil {
		return err
	}
	if !v.opts.Quick {
		return v.eachAhead(ctx, it, check)
	}
	var r reading
	var scratch []byte
	index := v.since
	for more := it.First(); more && index < v.head.Size && ctx.Err() == nil; more = it.Next() {
		r.key, r.raw, r.index = it.Key(), it.Value(), event.Seq(index)
		index++
		r.leaf, scratch = leafHashIn(scratch, r.raw)
		if !check(&r) {
			break
		}
	}
	return errors.Join(ctx.Err(), it.Close())
}

// chunk is what one worker examines at a time.
type chunk struct {
	readings []reading
	room     []byte // for their keys and bytes
	examined chan struct{}
}

// Of one chunk. Contents are beside that, but for large ones.
const (
	chunkEntries = 128
	chunkBytes   = 256 << 10
	largeContent = 64 << 10
)

// eachAhead steps through the store in one goroutine and examines what it finds in as many as there are processors, while the caller's checks what
// lies before. It closes it.
func (v *verifier) eachAhead(ctx context.Context, it *pebble.Iterator, check func(*reading) bool) error {
	var group sync.WaitGroup
	defer group.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ordered, work, free := make(chan *chunk, len(v.workers)), make(chan *chunk, len(v.workers)), make(chan *chunk, 1)
	var failed error // of the iterator, once ordered is closed
	group.Go(func() {
		defer close(ordered)
		defer close(work)
		failed = v.chunks(it, free, func(c *chunk) bool {
			for _, to := range []chan *chunk{ordered, work} {
				select {
				case to <- c:
				case <-ctx.Done():
					return false
				}
			}
			return true
		})
	})
	for _, d := range v.workers {
		group.Go(func() {
			for c := range work {
				for i := range c.readings {
					c.readings[i].examine(d)
				}
				close(c.examined)
			}
		})
	}
	for c := range ordered {
		select {
		case <-c.examined:
		case <-ctx.Done():
			return ctx.Err()
		}
		for i := range c.readings {
			if !check(&c.readings[i]) {
				return nil
			}
		}
		select {
		case free <- c:
		default:
		}
	}
	return errors.Join(ctx.Err(), failed)
}

// chunks hands on the entries in chunks, those that are free again if there are any, until that is false.
func (v *verifier) chunks(it *pebble.Iterator, free <-chan *chunk, hand func(*chunk) bool) error {
	index := v.since
	for more := index < v.head.Size && it.First(); more; {
		c := &chunk{}
		select {
		case c = <-free:
		default:
		}
		c.readings, c.room, c.examined = c.readings[:0], c.room[:0], make(chan struct{})
		for more && len(c.readings) < chunkEntries && (len(c.readings) == 0 || len(c.room)+len(it.Key())+len(it.Value()) <= chunkBytes) {
			start := len(c.room)
			c.room = append(append(c.room, it.Key()...), it.Value()...)
			end := start + len(it.Key())
			c.readings = append(c.readings, reading{key: c.room[start:end:end], raw: c.room[end:len(c.room):len(c.room)], index: event.Seq(index)})
			index++
			more = index < v.head.Size && it.Next()
		}
		if !hand(c) {
			break
		}
	}
	return it.Close()
}

// examine is for one goroutine at a time with one decoder.
func (r *reading) examine(d *decoder) {
	r.leaf, d.hashed = leafHashIn(d.hashed, r.raw)
	if r.stored, r.unread = parseEntry(r.raw); r.unread != nil {
		return
	}
	if r.head, r.event, r.undecoded, r.unread = decodePublic(r.stored.public); r.event == nil || !r.head.known() {
		return
	}
	content, err := d.content(r.head, r.index)
	if err == nil && content == nil {
		r.absent = bytes.Contains(r.stored.public, []byte(`"sealed":"`))
		return
	}
	if err == nil {
		err = event.Attach(r.event, content)
	}
	if r.content = err; err != nil || len(content) > largeContent { // many of these would be held at a time
		r.event, _ = event.Decode(event.Encoded{Public: r.stored.public})
	}
}

// newWorkers are the decoders of those that examine entries; close each.
func (l *Ledger) newWorkers() (list []*decoder, err error) {
	for range min(runtime.GOMAXPROCS(0), maxWorkers) {
		d := l.newDecoder()
		if err := d.readAhead(); err != nil {
			return list, err
		}
		list = append(list, d)
	}
	return list, nil
}

// maxWorkers is more than can be kept busy by one goroutine that steps through the store.
const maxWorkers = 8
