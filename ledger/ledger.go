package ledger

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"proctor/event"
)

// Ledger is an open ledger directory. Its methods may be called from any goroutine.
type Ledger struct {
	dir    string
	opts   Options
	db     *pebble.DB
	health *health
	lock   *pebble.Lock
	keys   keys
	format int // of the directory, set when it is opened
	// signing is what signs the next checkpoint; rotating names the rotation that the next one completes, or is nil.
	signing  atomic.Pointer[signingKey]
	rotating atomic.Pointer[rotation]

	queue     *queue
	committer *committer    // touched by its own goroutine only
	groups    chan group    // from the committer, which closes it, to the syncer
	down      chan struct{} // closed by fail
	// syncing counts groups handed to the syncer and not finished.
	syncing atomic.Int32
	work    sync.WaitGroup

	// durable is the head of what is synced. Readers see nothing above it.
	durable atomic.Pointer[Tree]
	tail    tail
	points  checkpointer
	purges  purger
	indexes indexer
	opened  tileCache // for proofs
	pins    *pinFS    // of a ledger that is open for reading only

	// use is held shared by whoever reads the database, and exclusively to close it.
	use       sync.RWMutex
	gone      bool // guarded by use
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
}

// Submit records the events of batch in their order, all or none, and calls done once: with a
// receipt for each after they are synced, or with the reason why none is recorded. Submissions
// are recorded in the order in which Submit took them, and answered in that order.
//
// Submit blocks while 8 MiB wait to be committed. done is called from the ledger's own
// goroutine (from Submit itself when the ledger is closed or failed): it must return soon and
// must not call a method that waits for the ledger (Submit, Append, Settle, Checkpoint, Purge, Close). The bytes of batch must not change until done was called.
func (l *Ledger) Submit(batch []event.Encoded, done func([]event.Receipt, error)) {
	l.submit(l.newOp(batch, done))
}

func (l *Ledger) submit(o *op) {
	if err := l.queue.push(o, false); err != nil {
		o.answer(err)
	}
}

// Append records events, all or none, and waits for the receipts. When ctx ends first the
// events may still be recorded; sending them again gives the same receipts.
func (l *Ledger) Append(ctx context.Context, events ...*event.Event) ([]event.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type result struct {
		receipts []event.Receipt
		err      error
	}
	answer := make(chan result, 1)
	l.submit(l.encodeOp(events, func(r []event.Receipt, err error) { answer <- result{r, err} }))
	select {
	case r := <-answer:
		return r.receipts, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// write lets the committer apply own changes and waits until they are synced (applied, when noSync).
func (l *Ledger) write(ctx context.Context, noSync bool, f func(batch) error) error {
	answer := make(chan error, 1)
	o := &op{write: f, noSync: noSync, done: func(_ []event.Receipt, err error) { answer <- err }}
	if err := l.queue.push(o, true); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// syncLoop finishes groups while the committer builds the next one.
func (l *Ledger) syncLoop() {
	for g := range l.groups {
		ok := l.finish(g)
		l.syncing.Add(-1)
		if !ok {
			return
		}
	}
}

// finish waits for the sync of a group, publishes it to readers and answers it; false when the ledger failed.
func (l *Ledger) finish(g group) bool {
	if g.batch != nil {
		if err := g.batch.SyncWait(); err != nil {
			l.fail(err)
			return false
		}
	}
	if !l.queue.settle(len(g.ops)) {
		return false
	}
	if g.batch != nil {
		_ = g.batch.Close() // only returns the batch to its pool
	}
	l.publish(g.tree)
	if g.purge {
		l.purges.ask()
	}
	if l.rotating.Load() != nil {
		l.points.ask()
	}
	for _, o := range g.ops {
		o.answer(nil)
	}
	return true
}

func (l *Ledger) publish(t Tree) {
	if t.Size == l.durable.Load().Size {
		return
	}
	l.durable.Store(&t)
	l.tail.wake()
	if t.Size-l.points.signed.Load() >= l.opts.CheckpointEvery {
		l.points.ask()
	}
}

// begin must be paired with end around every use of the database outside the committer.
func (l *Ledger) begin() error {
	l.use.RLock()
	if l.gone {
		l.use.RUnlock()
		return ErrClosed
	}
	return nil
}

func (l *Ledger) end() { l.use.RUnlock() }

// tail wakes those who wait for new entries.
type tail struct {
	mu sync.Mutex
	ch chan struct{} // guarded by mu; nil while nobody waits
}

// wait returns a channel that the next wake closes.
func (t *tail) wait() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ch == nil {
		t.ch = make(chan struct{})
	}
	return t.ch
}

func (t *tail) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ch != nil {
		close(t.ch)
		t.ch = nil
	}
}

// Err is nil while the ledger can record, else an ErrFailed with its cause.
func (l *Ledger) Err() error { return l.queue.failure() }

// Failed is closed when the ledger can no longer record; Err tells why.
func (l *Ledger) Failed() <-chan struct{} { return l.down }

func sum(b []byte) event.Hash { return sha256.Sum256(b) }

// stuckAfter is how long Close waits for Pebble after a failure, when a commit may never return.
const stuckAfter = 2 * time.Second
