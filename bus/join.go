package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

var (
	// ErrOwned is what Own returns, wrapped or not, while another process has the ledger.
	ErrOwned = errors.New("another process owns the ledger")
	// ErrNoOwner means that nobody served the ledger for longer than Patience. What waits has an unknown
	// outcome; send it again after a restart.
	ErrNoOwner = errors.New("no process serves the ledger")
)

// JoinOptions say where the ledger is and how to get it.
type JoinOptions struct {
	Options
	// Dir is the ledger directory; the socket lies in it.
	Dir string
	// Own takes the ledger for this process, or fails with ErrOwned. It is called again whenever the owner
	// has gone. The ledger stays attached until the bus is closed; close it after the bus.
	Own func(ctx context.Context) (Ledger, error)
	// Owning is called, when not nil, each time this process became the owner after Join, in a goroutine
	// that Close waits for; ctx ends with the bus.
	Owning func(ctx context.Context)
	// Service says that this process stays and serves others, see [Bus.ByService].
	Service bool
	// Patience is how long the process waits without an owner. Default 30 s.
	Patience time.Duration
}

// defaultPatience is longer than a takeover of a large ledger on a slow disk.
const defaultPatience = 30 * time.Second

// Join connects this process to the ledger in a directory: as the owner, or through the owner. It waits
// for one of the two no longer than Patience.
func Join(ctx context.Context, o JoinOptions) (*Bus, error) {
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	b := newBus(o.Options)
	b.join = &o
	if _, err := b.enter(ctx); err != nil {
		b.markClosed(err)
		return nil, err
	}
	return b, nil
}

// enter finds a link and uses it. An owner that ends between the two is looked for again.
func (b *Bus) enter(ctx context.Context) (*link, error) {
	for {
		l, err := b.find(ctx)
		if err != nil {
			return nil, err
		}
		if err = b.use(l); err == nil {
			return l, nil
		}
		l.end()
		if l.server != nil { // it had the ledger and could not serve it
			return nil, err
		}
	}
}

// find makes a link, as often as it takes.
func (b *Bus) find(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, b.join.Patience)
	defer cancel()
	for {
		l, err := b.try(ctx)
		if err == nil || errors.Is(err, ErrProtocol) || !errors.Is(err, errAgain) {
			return l, err
		}
		select {
		case <-time.After(10*time.Millisecond + rand.N(20*time.Millisecond)): //nolint:gosec // not a secret
		case <-b.closed:
			return nil, b.cause
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return nil, cause
			}
			return nil, fmt.Errorf("%w after %s: %w", ErrNoOwner, b.join.Patience, errors.Unwrap(err))
		}
	}
}

// errAgain marks what may be otherwise in a moment.
var errAgain = errors.New("")

type again struct{ error }

func (a again) Unwrap() error     { return a.error }
func (a again) Is(err error) bool { return err == errAgain }

// try owns the ledger, or connects to its owner.
func (b *Bus) try(ctx context.Context) (*link, error) {
	ledger, err := b.join.Own(ctx)
	if err == nil {
		return b.ownerLink(ledger)
	}
	if !errors.Is(err, ErrOwned) {
		return nil, err
	}
	conn, stays, dialErr := dial(ctx, b.join.Dir)
	if dialErr != nil {
		return nil, again{fmt.Errorf("%w: %w", err, dialErr)}
	}
	l, linkErr := b.guestLink(conn)
	if linkErr != nil {
		_ = conn.Close()
		return nil, again{fmt.Errorf("%w: %w", err, linkErr)}
	}
	l.service = stays
	return l, nil
}

// ownerLink starts a server in front of the ledger and lets others in.
func (b *Bus) ownerLink(ledger Ledger) (*link, error) {
	l, err := b.serverLink()
	if err != nil {
		return nil, err
	}
	l.service = b.join.Service
	if err := b.attach(l, ledger); err != nil {
		l.end()
		return nil, err
	}
	word := ""
	if l.service {
		word = service
	}
	d, err := openDoor(b.join.Dir, word, b.log, l.server.InProcessConn, l.backlog)
	if err != nil { // alone is better than not at all; others wait until this process ends
		b.log.Warn("the ledger cannot be shared with other processes", "error", err)
		return l, nil
	}
	b.mu.Lock()
	l.door = d
	b.mu.Unlock()
	return l, nil
}

// rejoin finds the ledger again after a link was lost.
func (b *Bus) rejoin(lost *link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Err() != nil {
		return
	}
	b.work.Go(func() {
		lost.end()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := make(chan struct{})
		defer close(stop)
		b.work.Go(func() {
			select {
			case <-b.closed:
				cancel()
			case <-stop:
			}
		})
		b.again(ctx)
	})
}

func (b *Bus) again(ctx context.Context) {
	l, err := b.enter(ctx)
	switch {
	case err != nil:
		b.markClosed(err)
	case l.server != nil && b.join.Owning != nil:
		b.join.Owning(ctx)
	}
}
