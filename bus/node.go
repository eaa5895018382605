package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"proctor/event"
)

// Intake is a ledger that takes events of a cluster in; *ledger.Ledger is one.
type Intake interface {
	// Position is the last message of a source that was taken in.
	Position(source string) (uint64, error)
	// Ingest records the events of a span and moves the position of its source, both or neither, and calls done once. Spans are taken
	// in the order of the calls; one that does not begin at the position is refused with [event.ErrPosition].
	Ingest(span event.Span, batch []event.Encoded, done func([]event.Receipt, error))
}

// NodeOptions say what a ledger node takes.
type NodeOptions struct {
	// Name tells nodes apart, Identity their ledgers: a node that comes back with the same ledger goes on at once.
	Name, Identity string
	// Home are the partitions that this node takes as soon as they are free; others only when nobody else does. Nil is all.
	Home []int
	// Keep is how long a message stays in its stream after a ledger has it. Another node can take a partition over, with
	// another ledger, as long as the stream has all that this ledger has not. 0 keeps everything.
	Keep time.Duration
	// Lease is how long a node that is gone keeps its partitions. Default 10 s.
	Lease time.Duration
	// Reserved are sessions that no message may be of.
	Reserved []string
	// Say is told what becomes of partitions; nil says nothing. It may be called from several goroutines.
	Say func(text string)
}

const defaultLease = 10 * time.Second

// node takes partitions of a cluster into a ledger.
type node struct {
	c      *cluster
	opts   NodeOptions
	into   Intake
	leases *leases
}

// ServeNode takes the partitions of a cluster that are free into a ledger, until ctx ends: nil then. It makes the streams if they are
// not there. Give it a ledger that is open; it is closed after ServeNode returned.
func ServeNode(ctx context.Context, o ClusterOptions, no NodeOptions, into Intake) (err error) {
	if no.Name == "" || no.Identity == "" {
		return errors.New("a ledger node needs a name and the identity of its ledger")
	}
	if no.Lease <= 0 {
		no.Lease = defaultLease
	}
	if no.Say == nil {
		no.Say = func(string) {}
	}
	b, err := dialCluster(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(context.WithoutCancel(ctx))) }()
	n := &node{c: b.cluster, opts: no, into: into}
	if err = n.c.make(ctx); err == nil {
		err = n.c.find(ctx, true)
	}
	if err == nil {
		n.leases, err = n.c.leases(ctx, no)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("cluster %s: %w", n.c, err)
	}
	for _, p := range no.Home {
		if p < 0 || p >= n.c.partitions {
			return fmt.Errorf("cluster %s has partitions 0 to %d; this node is told that %d is its own", n.c, n.c.partitions-1, p)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	for p := range n.c.partitions {
		work.Go(func() { n.serve(ctx, p) })
	}
	work.Wait()
	return nil
}

func (n *node) home(partition int) bool {
	return n.opts.Home == nil || slices.Contains(n.opts.Home, partition)
}

func (n *node) say(partition int, format string, args ...any) {
	n.opts.Say(fmt.Sprintf("partition %d: ", partition) + fmt.Sprintf(format, args...))
}

// serve takes one partition in whenever its lease is this node's.
func (n *node) serve(ctx context.Context, partition int) {
	told := ""
	for ctx.Err() == nil {
		held, err := n.leases.take(ctx, partition, n.home(partition), func(text string) { n.say(partition, "%s", text) })
		if err != nil {
			return
		}
		err = n.reign(ctx, partition, held)
		if err != nil && ctx.Err() == nil && err.Error() != told {
			told = err.Error()
			n.say(partition, "%v", err)
		}
		if errors.Is(err, errStranded) { // another node may be able to
			held.release()
			pause(ctx, 3*n.opts.Lease)
		}
		pause(ctx, reconnectEvery)
	}
}

// reign takes a partition in until the lease is lost or something fails.
func (n *node) reign(ctx context.Context, partition int, held *lease) error {
	reign, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var work sync.WaitGroup
	work.Go(func() { stop(held.keep(reign)) })
	in := &intake{n: n, partition: partition, stream: streamName(partition), epoch: held.epoch}
	err := in.run(reign)
	if reign.Err() != nil && ctx.Err() == nil {
		err = context.Cause(reign)
	}
	stop(nil)
	work.Wait()
	if ctx.Err() != nil {
		held.release()
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
