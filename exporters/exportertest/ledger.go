package exportertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"maps"
	"sync"
	"time"

	"proctor/event"
)

// Ledger is a slice of entries. The zero value is empty and ready.
type Ledger struct {
	// Received is the time of the first entry; each entry is a millisecond later. Zero means the event's own time.
	Received time.Time

	mu       sync.Mutex // guards everything below
	entries  []event.Entry
	sessions map[string][]int
	cursors  map[string]event.Seq
	accounts map[string][]byte
	grown    chan struct{}
	err      error // of Read and Session, when set
}

// Submit commits at once.
func (l *Ledger) Submit(_ context.Context, events ...*event.Event) (event.Pending, error) {
	var out receipts
	for _, e := range events {
		r, err := l.append(e)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

type receipts []event.Receipt

// Wait implements event.Pending.
func (r receipts) Wait(context.Context) ([]event.Receipt, error) { return r, nil }

func (l *Ledger) append(e *event.Event) (event.Receipt, error) {
	enc, err := event.Encode(e)
	if err != nil {
		return event.Receipt{}, err
	}
	decoded, err := event.Decode(enc)
	if err != nil {
		return event.Receipt{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions == nil {
		l.sessions = map[string][]int{}
	}
	seq := len(l.entries)
	l.sessions[e.Session] = append(l.sessions[e.Session], seq)
	received := e.Time
	if !l.Received.IsZero() {
		received = l.Received.Add(time.Duration(seq) * time.Millisecond)
	}
	r := event.Receipt{
		ID: e.ID, Seq: event.Seq(seq), SessionSeq: uint64(len(l.sessions[e.Session])),
		Leaf: sha256.Sum256(append([]byte{0}, enc.Public...)), Received: received,
	}
	l.entries = append(l.entries, event.Entry{Receipt: r, Kind: e.Kind, Session: e.Session, Event: decoded, Raw: enc.Public})
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	return r, nil
}

// Fail makes Read and Session return err until it is nil again.
func (l *Ledger) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// Head is the number of entries.
func (l *Ledger) Head(context.Context) (event.Seq, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return event.Seq(len(l.entries)), nil
}

// Entries are all entries.
func (l *Ledger) Entries() []event.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]event.Entry{}, l.entries...)
}

// Read implements event.Reader, as do the two methods below.
func (l *Ledger) Read(_ context.Context, from event.Seq, limit int) ([]event.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	rest := l.entries[min(from, event.Seq(len(l.entries))):]
	return append([]event.Entry{}, rest[:min(limit, len(rest))]...), nil
}

// Session returns entries of one session.
func (l *Ledger) Session(_ context.Context, session string, from uint64, limit int) ([]event.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	var out []event.Entry
	for i, seq := range l.sessions[session] {
		if uint64(i+1) >= from && len(out) < limit {
			out = append(out, l.entries[seq])
		}
	}
	return out, nil
}

// Follow waits for new entries.
func (l *Ledger) Follow(ctx context.Context, from event.Seq, f func(event.Entry) error) error {
	for {
		l.mu.Lock()
		if l.grown == nil {
			l.grown = make(chan struct{})
		}
		grown, have := l.grown, len(l.entries)
		rest := l.entries[min(from, event.Seq(have)):]
		l.mu.Unlock()
		for _, e := range rest {
			if err := f(e); err != nil {
				return err
			}
		}
		from = event.Seq(have)
		select {
		case <-grown:
		case <-ctx.Done():
			return nil
		}
	}
}

// Cursor returns a position, 0 for one that was never set.
func (l *Ledger) Cursor(name string) (event.Seq, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursors[name], nil
}

// Settle sets a position with its account.
func (l *Ledger) Settle(name string, seq event.Seq, account []byte, _ bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cursors == nil {
		l.cursors, l.accounts = map[string]event.Seq{}, map[string][]byte{}
	}
	l.cursors[name], l.accounts[name] = seq, bytes.Clone(account)
	return nil
}

// Account returns what Settle was given last.
func (l *Ledger) Account(name string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.accounts[name]), nil
}

// Cursors are all positions.
func (l *Ledger) Cursors() map[string]event.Seq {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.cursors)
}
