package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"
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
	// Logger gets what operators should know. Default: discard.
	Logger *slog.Logger
}

// Bus is an embedded server with one connection to it. Its methods may be called from several goroutines.
type Bus struct {
	log    *slog.Logger
	opts   Options
	server *server.Server
	conn   *nats.Conn
	window *semaphore.Weighted
	inbox  string

	closing sync.Once
	closed  chan struct{}

	// The fields below are guarded by mu.
	mu          sync.Mutex
	queue       []*submission            // accepted, not yet sent
	outstanding map[uint64][]*submission // sent, by number of their message
	next        uint64
	watchers    map[int]Filter
	watchID     int
}

// startTimeout bounds how long the embedded server may take to come up; it is milliseconds in practice.
const startTimeout = 10 * time.Second

// Start runs an embedded server and connects to it in memory.
func Start(opts Options) (*Bus, error) {
	if opts.MaxInFlight < MaxBatch {
		opts.MaxInFlight = MaxBatch
	}
	if opts.MaxWatch <= 0 {
		opts.MaxWatch = 65536
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "proctor", DontListen: true, NoSigs: true, NoLog: true,
		MaxPayload: MaxBatch + 4096, MaxPending: 4 * (MaxBatch + 4096),
	})
	if err != nil {
		return nil, fmt.Errorf("start bus: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		srv.Shutdown()
		return nil, fmt.Errorf("start bus: server not ready after %s", startTimeout)
	}
	b := &Bus{
		log: opts.Logger, opts: opts, server: srv, window: semaphore.NewWeighted(opts.MaxInFlight),
		closed: make(chan struct{}), outstanding: map[uint64][]*submission{}, watchers: map[int]Filter{},
	}
	if err := b.connect(); err != nil {
		srv.Shutdown()
		return nil, err
	}
	return b, nil
}

func (b *Bus) connect() error {
	conn, err := nats.Connect("", nats.InProcessServer(b.server), nats.Name("proctor"), nats.NoReconnect(),
		nats.ClosedHandler(func(*nats.Conn) { b.markClosed() }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { b.asyncError(sub, err) }))
	if err != nil {
		return fmt.Errorf("connect to bus: %w", err)
	}
	b.conn = conn
	b.inbox = conn.NewInbox()
	sub, err := conn.Subscribe(b.inbox+".*", b.answered)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1) // bounded by the window: one answer for each submission
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("subscribe to answers: %w", err)
	}
	return nil
}

func (b *Bus) asyncError(sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
		dropped, _ := sub.Dropped()
		b.log.Warn("watcher falls behind, committed events were not delivered to it", "subject", sub.Subject, "dropped", dropped)
		return
	}
	b.log.Error("bus", "error", err)
}

// Close answers everything that waits with ErrClosed and stops the server. Flush
// streams first: Close does not wait for commits.
func (b *Bus) Close(context.Context) error {
	b.conn.Close()
	b.markClosed()
	b.server.Shutdown()
	b.server.WaitForShutdown()
	return nil
}

func (b *Bus) markClosed() {
	b.closing.Do(func() {
		close(b.closed)
		b.mu.Lock()
		defer b.mu.Unlock()
		for n, sent := range b.outstanding {
			delete(b.outstanding, n)
			b.queue = append(b.queue, sent...)
		}
		for _, s := range b.queue {
			s.finish(nil, ErrClosed)
		}
		b.queue = nil
	})
}

// inFlight is the number of submissions that wait for their answer.
func (b *Bus) inFlight() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.queue)
	for _, sent := range b.outstanding {
		n += len(sent)
	}
	return n
}
