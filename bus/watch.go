package bus

import (
	"fmt"
	"maps"
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

func (f Filter) match(session string, kind event.Kind) bool {
	return (f.Session == "" || f.Session == session) && (f.Kind == "" || f.Kind == kind)
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
	id := b.watch(filter)
	d := &delivery{f: f}
	sub, err := b.conn.QueueSubscribe(filter.subject(), group, func(msg *nats.Msg) {
		entry, err := decodeEntry(msg.Data)
		if err != nil {
			b.log.Error("committed event could not be decoded", "subject", msg.Subject, "error", err)
			return
		}
		d.deliver(entry)
	})
	if err == nil {
		err = sub.SetPendingLimits(b.opts.MaxWatch, maxWatchBytes)
	}
	if err == nil {
		err = b.conn.Flush()
	}
	if err != nil {
		b.unwatch(id)
		return nil, fmt.Errorf("subscribe to %s: %w", filter.subject(), err)
	}
	return func() {
		b.unwatch(id)
		_ = sub.Unsubscribe()
		d.end()
	}, nil
}

// Watch subscribes to one kind of one session, outside of any group.
func (b *Bus) Watch(session string, kind event.Kind, f func(event.Entry)) (stop func(), err error) {
	return b.Subscribe(Filter{Session: session, Kind: kind}, "", f)
}

// maxWatchBytes bounds what is queued for one watcher besides MaxWatch.
const maxWatchBytes = 64 << 20

// delivery calls f until it is ended.
type delivery struct {
	mu    sync.Mutex
	ended bool
	f     func(event.Entry)
}

func (d *delivery) deliver(e event.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.f(e)
	}
}

func (d *delivery) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
}

func (b *Bus) watch(f Filter) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchID++
	b.watchers[b.watchID] = f
	return b.watchID
}

func (b *Bus) unwatch(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.watchers, id)
}

func (b *Bus) filters() []Filter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.watchers))
}

// announce publishes committed events that somebody watches.
func (b *Bus) announce(batch []event.Encoded, receipts []event.Receipt) {
	filters := b.filters()
	if len(filters) == 0 {
		return
	}
	for i, enc := range batch {
		head, err := event.ParseHead(enc.Public)
		if err != nil || !watched(filters, head) {
			continue
		}
		data := append(encodeReceipts(receipts[i:i+1]), encodeFrames(batch[i:i+1])...)
		if err := b.conn.Publish(subject(committed, head.Session, head.Kind), data); err != nil {
			b.log.Error("announce committed event", "id", head.ID, "error", err)
		}
	}
}

func watched(filters []Filter, head event.Head) bool {
	return slices.ContainsFunc(filters, func(f Filter) bool { return f.match(head.Session, head.Kind) })
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
