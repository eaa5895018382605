package bus

import (
	"fmt"
	"slices"
	"sync"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// Filter says which committed events a watcher wants. Empty fields match all.
type Filter struct {
	Session string
	Kind    event.Kind
}

func (f Filter) subject() string {
	session, kind := f.Session, string(f.Kind)
	if session == "" {
		session = "*"
	}
	if kind == "" {
		kind = ">"
	}
	return committed + session + "." + kind
}

// Subscribe calls f with each committed event that filter matches, in commit
// order, in one goroutine. Subscribers that share a non-empty group get each
// event once between them. After stop returned, f is not called again and no call
// is under way; f must not call stop.
func (b *Bus) Subscribe(filter Filter, group string, f func(event.Entry)) (stop func(), err error) {
	if filter.Session != "" {
		if err := event.CheckSession(filter.Session); err != nil {
			return nil, fmt.Errorf("subscribe: %w", err)
		}
	}
	if b.cluster != nil && !slices.Contains(told, filter.Kind) {
		return nil, fmt.Errorf("subscribe to %q: %w", filter.Kind, errNotTold)
	}
	d := &delivery{f: f}
	return b.watch(&watcher{subject: filter.subject(), group: group, d: d, handle: func(msg *nats.Msg) {
		entry, err := decodeEntry(msg.Data)
		if err != nil {
			b.log.Error("committed event could not be decoded", "subject", msg.Subject, "error", err)
			return
		}
		d.deliver(entry)
	}})
}

// watcher is one subscription, on the links that come and go.
type watcher struct {
	subject, group string
	handle         nats.MsgHandler
	d              *delivery
	sub            *nats.Subscription // guarded by the bus's mu
}

func (b *Bus) watch(w *watcher) (stop func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", w.subject, err)
	}
	if b.link != nil { // else the next link subscribes
		err := w.subscribe(b.link, b.opts.MaxWatch)
		if err == nil {
			err = b.link.conn.Flush()
		}
		if err != nil && b.join == nil {
			return nil, err
		}
	}
	b.watchers[w] = struct{}{}
	b.watching.Add(1)
	return func() { b.unwatch(w) }, nil
}

// subscribe is called with the bus's lock held.
func (w *watcher) subscribe(l *link, maxWatch int) error {
	sub, err := l.conn.QueueSubscribe(w.subject, w.group, w.handle)
	if err == nil {
		err = sub.SetPendingLimits(maxWatch, maxWatchBytes)
	}
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", w.subject, err)
	}
	w.sub = sub
	return nil
}

func (b *Bus) unwatch(w *watcher) {
	b.mu.Lock()
	delete(b.watchers, w)
	b.watching.Add(-1)
	if w.sub != nil {
		_ = w.sub.Unsubscribe()
	}
	b.mu.Unlock()
	w.d.end()
}

// Watch subscribes to one kind of one session, outside of any group.
func (b *Bus) Watch(session string, kind event.Kind, f func(event.Entry)) (stop func(), err error) {
	return b.Subscribe(Filter{Session: session, Kind: kind}, "", f)
}

// maxWatchBytes bounds what is queued for one watcher besides MaxWatch.
const maxWatchBytes = 64 << 20

// delivery calls f until it is ended, once for each entry: after a change of the owner some are announced again.
type delivery struct {
	mu     sync.Mutex
	ended  bool
	f      func(event.Entry)
	recent [64]event.ID // a ring
	next   int
}

func (d *delivery) deliver(e event.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended || slices.Contains(d.recent[:], e.ID) {
		return
	}
	d.recent[d.next%len(d.recent)] = e.ID
	d.next++
	d.f(e)
}

func (d *delivery) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
}

// announce publishes committed events that somebody watches, here or in another process.
func (b *Bus) announce(at *link, batch []event.Encoded, receipts []event.Receipt) {
	if b.watching.Load() == 0 && at.guests() == 0 {
		return
	}
	for i, enc := range batch {
		head, err := event.ParseHead(enc.Public)
		if err != nil {
			continue
		}
		subject := subject(committed, head.Session, head.Kind)
		if !at.server.GlobalAccount().SubscriptionInterest(subject) {
			continue
		}
		data := append(encodeReceipts(receipts[i:i+1]), encodeFrames(batch[i:i+1])...)
		if err := at.conn.Publish(subject, data); err != nil {
			b.log.Error("announce committed event", "id", head.ID, "error", err)
		}
	}
}

func decodeEntry(data []byte) (event.Entry, error) {
	if len(data) < 1+receiptSize {
		return event.Entry{}, fmt.Errorf("%w: committed event of %d bytes", errFrame, len(data))
	}
	receipts, err := decodeReceipts(data[:1+receiptSize])
	if err != nil {
		return event.Entry{}, err
	}
	batch, err := decodeFrames(data[1+receiptSize:])
	if err != nil || len(batch) != 1 {
		return event.Entry{}, fmt.Errorf("%w: committed event without its frame", errFrame)
	}
	e, err := event.Decode(batch[0])
	if err != nil {
		return event.Entry{}, err
	}
	return event.Entry{Receipt: receipts[0], Kind: e.Kind, Session: e.Session, Event: e}, nil
}
