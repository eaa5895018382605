package bus

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"proctor/event"
)

var (
	// ErrClosed means the bus was closed, or its server stopped, before an answer came. The outcome is
	// unknown; send the same events again after a restart: the ledger drops what it has.
	ErrClosed = errors.New("bus closed")
	// ErrTooLarge means one submission is above MaxBatch. Send fewer events at once.
	ErrTooLarge = errors.New("submission too large for the bus")
)

// MaxBatch bounds the encoded size of one submission, in bytes.
const MaxBatch = 30 << 20

// Options of a Bus; the zero value is ready to use.
type Options struct {
	// MaxInFlight bounds the bytes that wait for their commit. Default and least: MaxBatch.
	MaxInFlight int64
	// MaxWatch bounds the messages queued for one watcher. Default 65,536.
	MaxWatch int
	// Capture takes secrets out of what is submitted, before it leaves this process. Default: nothing is taken out.
	Capture event.Capture
	// Logger gets what operators should know. Default: discard.
	Logger *slog.Logger
}

// Bus is one process's connection to the ledger. Its methods may be called from several goroutines.
type Bus struct {
	log  *slog.Logger
	opts Options
	join *JoinOptions // nil for a bus of one process
	// cluster is nil where the ledger is on this machine.
	cluster *cluster
	window  *semaphore.Weighted

	closing  sync.Once
	closed   chan struct{} // closed when nothing can be submitted any more
	cause    error         // set before closed is closed
	work     sync.WaitGroup
	watching atomic.Int64 // watchers of this process

	// The fields below are guarded by mu.
	mu          sync.Mutex
	link        *link               // nil while there is none
	queue       []*message          // not yet sent
	outstanding map[uint64]*message // sent, by number
	next        uint64              // number of the newest message
	sending     bool                // somebody publishes
	spare       []*message          // answered, for what is submitted next
	watchers    map[*watcher]struct{}
	changed     chan struct{} // closed at the next new link
}

func newBus(opts Options) *Bus {
	if opts.MaxInFlight < MaxBatch {
		opts.MaxInFlight = MaxBatch
	}
	if opts.MaxWatch <= 0 {
		opts.MaxWatch = 65536
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Bus{
		log: opts.Logger, opts: opts, window: semaphore.NewWeighted(opts.MaxInFlight),
		closed: make(chan struct{}), outstanding: map[uint64]*message{}, watchers: map[*watcher]struct{}{}, changed: make(chan struct{}),
	}
}

// Start runs an embedded server and connects to it in memory.
func Start(opts Options) (*Bus, error) {
	b := newBus(opts)
	l, err := b.serverLink()
	if err != nil {
		return nil, err
	}
	if err := b.use(l); err != nil {
		l.end()
		return nil, err
	}
	return b, nil
}

// Close answers everything that waits with ErrClosed and stops the server. Flush
// streams first: Close does not wait for commits.
func (b *Bus) Close(context.Context) error {
	b.markClosed(ErrClosed)
	b.mu.Lock()
	l := b.link
	b.link = nil
	b.mu.Unlock()
	if l != nil {
		l.end()
	}
	b.work.Wait()
	return nil
}

// Closed is closed when nothing can be submitted any more; Err then tells why.
func (b *Bus) Closed() <-chan struct{} { return b.closed }

// Err is nil while events can be submitted.
func (b *Bus) Err() error {
	select {
	case <-b.closed:
		return b.cause
	default:
		return nil
	}
}

func (b *Bus) markClosed(cause error) {
	b.closing.Do(func() {
		b.cause = cause
		close(b.closed)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.requeue()
		for _, m := range b.queue {
			m.finish(cause)
		}
		b.queue = nil
		if b.cluster != nil {
			b.cluster.abandon(cause)
		}
	})
}

// requeue puts what was sent and not answered before what was not sent, in the order of submission. The lock is held.
func (b *Bus) requeue() {
	var again []*message
	for _, n := range slices.Sorted(maps.Keys(b.outstanding)) {
		again = append(again, b.outstanding[n])
	}
	clear(b.outstanding)
	b.queue = append(again, b.queue...)
}

// inFlight is the number of submissions that wait for their answer.
func (b *Bus) inFlight() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, m := range b.queue {
		n += len(m.parts)
	}
	for _, m := range b.outstanding {
		n += len(m.parts)
	}
	return n
}
