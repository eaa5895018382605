package bus

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A partition is one stream, which holds whole sessions. Its subjects are those of the sessions: recorded, partition, session.
const (
	recorded     = "proctor.record.v1."
	streamPrefix = "proctor-"
	// MaxPartitions bounds how many there are.
	MaxPartitions = 1024
	// dedupeFor is how long a stream knows a message by its id; far above Patience. Afterwards the ledger does.
	dedupeFor = 5 * time.Minute
	// countedIn and countedAs say how many partitions there are, in each stream's metadata.
	countedIn = "proctor-partitions"
)

// partitionOf is where a session belongs.
func partitionOf(session string, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(session))
	return int(h.Sum32() % uint32(partitions)) //nolint:gosec // at most MaxPartitions
}

func streamName(partition int) string { return streamPrefix + strconv.Itoa(partition) }

func recordSubject(partition int, session string) string {
	return recorded + strconv.Itoa(partition) + "." + session
}

func streamConfig(partition, partitions, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamName(partition), Description: "events of proctor that wait for a ledger", Subjects: []string{recordSubject(partition, "*")},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage, Replicas: replicas,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1, MaxMsgSize: -1, Duplicates: dedupeFor, DenyDelete: true,
		Metadata: map[string]string{countedIn: strconv.Itoa(partitions)},
	}
}

var (
	errNoStream = errors.New("it has no stream of proctor: start a ledger node first, 'proctor serve' with [bus] node")
	// ErrNotDurable means that what a cluster acknowledges may not be on disks: the message names the setting.
	ErrNotDurable = errors.New("the cluster does not keep what it acknowledges")
)

// find reads how many partitions there are and checks each. Streams that were made a moment ago are waited for: not every server knows of them at once.
func (c *cluster) find(ctx context.Context, made bool) error {
	first, err := c.stream(ctx, 0, made)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(first.Config.Metadata[countedIn])
	if err != nil || n < 1 || n > MaxPartitions {
		return fmt.Errorf("stream %s: metadata %s is %q, expected a number up to %d", streamName(0), countedIn, first.Config.Metadata[countedIn], MaxPartitions)
	}
	if c.opts.Partitions > 0 && c.opts.Partitions != n {
		return fmt.Errorf("it has %d partitions, [bus] partitions says %d: they keep their number, since sessions lie in them", n, c.opts.Partitions)
	}
	streams := []*jetstream.StreamInfo{first}
	for p := 1; p < n; p++ {
		info, err := c.stream(ctx, p, made)
		if err != nil {
			return err
		}
		streams = append(streams, info)
	}
	c.partitions = n
	return c.durable(ctx, streams)
}

// stream waits for a stream while the cluster elects its leader, and for one that was made until it is known.
func (c *cluster) stream(ctx context.Context, partition int, made bool) (info *jetstream.StreamInfo, err error) {
	err = c.insist(ctx, func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, streamName(partition))
		if errors.Is(err, jetstream.ErrStreamNotFound) && !made {
			return fatal{errNoStream}
		}
		if err == nil {
			info = s.CachedInfo()
		}
		return err
	})
	return info, err
}

// make creates the streams that are missing, as a ledger node does.
func (c *cluster) make(ctx context.Context) error {
	_, err := c.stream(ctx, 0, false)
	if err == nil || !errors.Is(err, errNoStream) {
		return err
	}
	n := c.opts.Partitions
	if n <= 0 {
		n = defaultPartitions
	}
	for p := n - 1; p >= 0; p-- { // the first one last: whoever finds it finds all
		if err := c.insist(ctx, func(ctx context.Context) error {
			_, err := c.js.CreateStream(ctx, streamConfig(p, n, c.opts.Replicas))
			if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
				return fatal{fmt.Errorf("stream %s is there and is not as this node would make it: %w", streamName(p), err)}
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// fatal marks an error that does not pass.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// insist calls f until it works, for as long as Patience.
func (c *cluster) insist(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Patience)
	defer cancel()
	for {
		once, end := context.WithTimeout(ctx, answerWithin)
		err := f(once)
		end()
		final, ok := errors.AsType[fatal](err)
		switch {
		case err == nil:
			return nil
		case ok:
			return final.error
		case c.denied.Load() != nil:
			return fmt.Errorf("the account may not do what proctor needs, see deploy/nats/accounts.conf: %w", *c.denied.Load())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w within %s: %w", ErrNoOwner, c.opts.Patience, err)
		case <-c.b.closed:
			return c.b.cause
		case <-time.After(reconnectEvery):
		}
	}
}

// weaker says what of a stream's configuration would lose what it acknowledged.
func weaker(got jetstream.StreamConfig, replicas int) (why []string) {
	for _, rule := range []struct {
		broken bool
		what   string
	}{
		{got.Storage != jetstream.FileStorage, "storage is not file"},
		{got.Replicas < replicas, fmt.Sprintf("it has %d replicas, [bus] replicas says %d", got.Replicas, replicas)},
		{got.Retention != jetstream.LimitsPolicy, "retention is not limits"},
		{got.Discard != jetstream.DiscardNew, "discard is not new: a full stream would drop its oldest messages"},
		{got.MaxAge != 0, "max_age is set: messages would go before a ledger has them"},
		{got.MaxMsgsPerSubject > 0, "max_msgs_per_subject is set"},
		{got.NoAck, "no_ack is set"},
		{got.PersistMode == jetstream.AsyncPersistMode, "persist_mode is async"},
		{got.Mirror != nil || len(got.Sources) > 0, "it gets messages from other streams"},
		{!slices.Equal(got.Subjects, []string{recordSubject(partitionOfName(got.Name), "*")}), fmt.Sprintf("its subjects are %q", got.Subjects)},
	} {
		if rule.broken {
			why = append(why, rule.what)
		}
	}
	return why
}

func partitionOfName(stream string) int {
	n, _ := strconv.Atoi(stream[min(len(stream), len(streamPrefix)):])
	return n
}
