package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// fail ends recording for good. It may be called from any goroutine, also from inside Pebble
// with Pebble's locks held, so it only leaves word; watch does the rest.
func (l *Ledger) fail(cause error) {
	if l.queue.fail(failed(cause)) {
		close(l.down)
	}
}

// watch answers everything unanswered once the ledger failed, whatever the committer is stuck in.
func (l *Ledger) watch(synced <-chan struct{}) {
	select {
	case <-l.down:
	case <-synced:
		if l.queue.failure() == nil { // closed in order: all is answered
			return
		}
	}
	err := l.queue.failure()
	l.opts.Logger.Error("ledger failed; nothing is recorded any more", "dir", l.dir, "err", err)
	for _, o := range l.queue.abandon() {
		o.answer(err)
	}
	l.tail.wake()
}

// health is Pebble's logger and listener. Pebble reports a failed commit only through Fatalf
// and then goes on as if it had worked, so this must be remembered before Apply returns.
type health struct {
	log  *slog.Logger
	fail atomic.Pointer[func(error)] // set once the ledger exists
	// first keeps what went wrong before that; broken is closed with it.
	first  atomic.Pointer[error]
	broken chan struct{}
	// parked is closed when a goroutine of Pebble was parked, so that Pebble will not come back.
	parked   chan struct{}
	parkOnce sync.Once
	// abandoned is set once nobody waits for Pebble any more.
	abandoned atomic.Bool
}

func newHealth(log *slog.Logger) *health {
	return &health{log: log, broken: make(chan struct{}), parked: make(chan struct{})}
}

func (h *health) report(err error) {
	if h.first.CompareAndSwap(nil, &err) {
		close(h.broken)
	}
	if f := h.fail.Load(); f != nil {
		(*f)(err)
	}
}

// attach connects h to a ledger.
func (h *health) attach(fail func(error)) {
	h.fail.Store(&fail)
	if err := h.first.Load(); err != nil {
		fail(*err)
	}
}

// err is the first thing that went wrong.
func (h *health) err() error {
	if err := h.first.Load(); err != nil {
		return *err
	}
	return nil
}

func (h *health) park() { h.parkOnce.Do(func() { close(h.parked) }) }

// guard runs f, which may never return once the store is broken: Pebble retries a flush that
// cannot write for ever, in Open and in Close too. Then guard returns false after stuckAfter and
// late runs when f comes back after all.
func (h *health) guard(f, late func()) bool {
	done := make(chan struct{})
	var given atomic.Bool // by whoever is first: f that ended, or the caller that gave up
	go func() {
		f()
		if given.Swap(true) {
			late()
		}
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-h.broken:
	}
	select {
	case <-done:
		return true
	case <-h.parked:
	case <-time.After(stuckAfter):
	}
	h.abandoned.Store(true)
	return given.Swap(true)
}

// Infof implements pebble.Logger. Pebble is chatty; nothing of it is worth keeping.
func (h *health) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (h *health) Errorf(format string, args ...any) {
	h.log.Warn("store: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. It returns: the process has a session to end in order.
func (h *health) Fatalf(format string, args ...any) {
	for _, a := range args {
		if err, ok := a.(error); ok {
			h.report(fmt.Errorf("store: %w", err))
			return
		}
	}
	h.report(fmt.Errorf("store: "+format, args...))
}

// listener treats a background error (a flush or compaction that cannot write) as the end:
// Pebble would retry until its memory is full and then block every commit without an error.
func (h *health) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if !errors.Is(err, pebble.ErrCancelledCompaction) && !errors.Is(err, pebble.ErrClosed) {
				h.report(fmt.Errorf("store, in the background: %w", err))
			}
			if h.abandoned.Load() {
				runtime.Goexit() // Pebble would retry in a busy loop; its locks are released by defer
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			h.log.Error("store is corrupt", "path", info.Path, "err", info.Details)
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			h.log.Warn("disk is slow", "path", info.Path, "op", info.OpType.String(), "lasted", info.Duration)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			h.log.Warn("store delays commits", "reason", info.Reason)
		},
	}
}
