package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"proctor/event"
)

// intake is one reign of a node over one partition.
type intake struct {
	n         *node
	partition int
	stream    string
	epoch     uint64
	poison    uint64 // message that the ledger refused: the next time it is recorded as such; 0 for none
	why       error
}

const (
	// flying bounds the messages that the ledger was given and has not answered.
	flying = 256
	// pulled bounds what is fetched before it is taken, in bytes; above the largest message.
	pulled = 2 * (MaxBatch + 4096)
	// acknowledgeEvery is how many messages are acknowledged to the consumer at once. What counts is the ledger's position.
	acknowledgeEvery = 256
	consumerPrefix   = "ledger-"
	// RefusedPrefix and the number of a partition are the session of [event.MessageRefused].
	RefusedPrefix = "refused-"
)

// errStranded means that the stream does not have what this ledger needs next.
var errStranded = errors.New("the stream begins after what this ledger has")

// errAgainFrom means that the ledger stands elsewhere than thought: read its position and go on from there.
var errAgainFrom = errors.New("the ledger stands elsewhere")

// run takes messages in until ctx ends or something fails.
func (in *intake) run(ctx context.Context) error {
	for first := true; ; first = false {
		err := in.once(ctx, first)
		if !errors.Is(err, errAgainFrom) || ctx.Err() != nil {
			return err
		}
	}
}

func (in *intake) once(ctx context.Context, first bool) error {
	at, err := in.n.into.Position(in.stream)
	if err != nil {
		return err
	}
	s, err := in.begin(ctx, at)
	if err != nil {
		return err
	}
	if first {
		in.n.say(in.partition, "taken, from message %d on", at+1)
	}
	cons, err := in.consumer(ctx, s, at)
	if err != nil {
		return err
	}
	msgs, err := cons.Messages(jetstream.PullMaxBytes(pulled), jetstream.PullExpiry(30*time.Second), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return err
	}
	defer msgs.Stop()
	return in.follow(ctx, s, msgs, at)
}

// begin looks whether the stream goes on where the ledger stands.
func (in *intake) begin(ctx context.Context, at uint64) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	s, err := in.n.c.js.Stream(ctx, in.stream)
	if err != nil {
		return nil, err
	}
	state := s.CachedInfo().State
	switch {
	case state.FirstSeq > at+1 && state.FirstSeq > 1:
		return nil, fmt.Errorf("%w: stream %s has messages from %d on, this ledger the first %d; give this node the ledger of the node that had "+
			"the partition, or a backup of it that is newer", errStranded, in.stream, state.FirstSeq, at)
	case state.LastSeq < at:
		return nil, fmt.Errorf("stream %s ends at message %d, this ledger has %d of them: it is another stream, or it lost messages", in.stream, state.LastSeq, at)
	}
	return s, nil
}

// consumer makes the one consumer of the stream. Those of earlier reigns go, so that a node that does not know yet that its lease is
// lost gets nothing more.
func (in *intake) consumer(ctx context.Context, s jetstream.Stream, at uint64) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*answerWithin)
	defer cancel()
	names := s.ConsumerNames(ctx)
	var old []string
	for name := range names.Name() {
		if epoch, err := strconv.ParseUint(strings.TrimPrefix(name, consumerPrefix), 10, 64); err == nil {
			if epoch > in.epoch {
				return nil, fmt.Errorf("stream %s: consumer %s is of a later reign", in.stream, name)
			}
			old = append(old, name)
		}
	}
	if err := names.Err(); err != nil {
		return nil, err
	}
	for _, name := range old {
		if err := s.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil, err
		}
	}
	return s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: consumerPrefix + strconv.FormatUint(in.epoch, 10), Description: "ledger node " + in.n.opts.Name,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: at + 1, AckPolicy: jetstream.AckAllPolicy, AckWait: time.Minute,
		MaxAckPending: 1 << 16, ReplayPolicy: jetstream.ReplayInstantPolicy,
	})
}

// flight is a message that the ledger was given.
type flight struct {
	number uint64
	msg    jetstream.Msg
	done   chan error
}

// follow hands messages to the ledger, each as one span, and looks at the answers in their order.
func (in *intake) follow(ctx context.Context, s jetstream.Stream, msgs jetstream.MessagesContext, at uint64) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	flights := make(chan flight, flying) // closed by this function
	var failed error
	var settling sync.WaitGroup
	settling.Go(func() { failed = in.settle(s, flights, stop) })
	err := in.hand(ctx, msgs, at, flights)
	close(flights)
	settling.Wait()
	if failed != nil { // the cause of err
		return failed
	}
	return err
}

// hand gives the ledger message after message.
func (in *intake) hand(ctx context.Context, msgs jetstream.MessagesContext, at uint64, flights chan<- flight) error {
	for delivered := uint64(0); ; {
		msg, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		number := meta.Sequence.Stream
		if meta.NumDelivered > 1 && number <= at { // its acknowledgement was late
			delivered = meta.Sequence.Consumer
			continue
		}
		if meta.Sequence.Consumer != delivered+1 || number <= at {
			return fmt.Errorf("message %d came as delivery %d after %d: %w", number, meta.Sequence.Consumer, delivered, errAgainFrom)
		}
		delivered = meta.Sequence.Consumer
		f := flight{number, msg, make(chan error, 1)}
		span := event.Span{Source: in.stream, After: at, Upto: number}
		in.n.into.Ingest(span, in.events(msg, number), func(_ []event.Receipt, err error) { f.done <- err })
		select {
		case flights <- f:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		at = number
	}
}

// events are those of a message, or the one that says why it has none that can be recorded.
func (in *intake) events(msg jetstream.Msg, number uint64) []event.Encoded {
	batch, err := in.check(msg)
	if err == nil && number == in.poison {
		err = in.why
	}
	if err == nil {
		return batch
	}
	refused, encodeErr := in.refused(msg, number, err)
	if encodeErr != nil { // cannot happen; the ledger refuses no events
		in.n.c.b.log.Error("refuse a message", "stream", in.stream, "message", number, "error", encodeErr)
		return nil
	}
	in.n.say(in.partition, "message %d is refused: %v", number, err)
	return refused
}

// check says what is wrong with a message whatever the ledger has.
func (in *intake) check(msg jetstream.Msg) ([]event.Encoded, error) {
	batch, err := decodeFrames(msg.Data())
	if err != nil {
		return nil, err
	}
	session := msg.Subject()[strings.LastIndexByte(msg.Subject(), '.')+1:]
	if partitionOf(session, in.n.c.partitions) != in.partition {
		return nil, fmt.Errorf("session %s belongs into partition %d", session, partitionOf(session, in.n.c.partitions))
	}
	if slices.Contains(in.n.opts.Reserved, session) || strings.HasPrefix(session, RefusedPrefix) {
		return nil, fmt.Errorf("session %s is kept for ledger nodes", session)
	}
	for _, enc := range batch {
		head, err := event.ParseHead(enc.Public)
		if err != nil {
			return nil, err
		}
		if head.Session != session {
			return nil, fmt.Errorf("event %s of session %s came as of session %s", head.ID, head.Session, session)
		}
	}
	return batch, nil
}

// maxReason bounds what is recorded of why a message was refused, in bytes.
const maxReason = 512

func (in *intake) refused(msg jetstream.Msg, number uint64, why error) ([]event.Encoded, error) {
	p := &event.MessageRefusedPayload{
		Stream: in.stream, Message: number, MessageID: cut(msg.Headers().Get(nats.MsgIdHdr), 64), Bytes: int64(len(msg.Data())),
		Digest: sha256.Sum256(msg.Data()), Reason: cut(why.Error(), maxReason),
	}
	kind, _ := event.Lookup(p.Kind())
	enc, err := event.Encode(&event.Event{
		ID: event.NewID(), Kind: p.Kind(), Schema: kind.Schema, Session: RefusedPrefix + strconv.Itoa(in.partition),
		Time: time.Now().UTC().Truncate(time.Microsecond), Actor: event.System, Payload: p,
	})
	return []event.Encoded{enc}, err
}

func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "?") }

// down tells a ledger that takes nothing any more from one that does not take this.
func down(err error) bool {
	code := event.FaultCode(err)
	return code == event.CodeLedgerFailed || code == event.CodeLedgerClosed
}

// settle looks at the ledger's answers. After the first that is an error all further ones are, since their spans do not follow.
func (in *intake) settle(s jetstream.Stream, flights <-chan flight, stop context.CancelCauseFunc) (failed error) {
	var newest flight
	cleaner := &cleaner{in: in, stream: s}
	for unsaid := 0; ; {
		var f flight
		var ok bool
		select {
		case f, ok = <-flights:
		default: // nothing at hand: a good moment
			if unsaid > 0 {
				_ = newest.msg.Ack()
				unsaid = 0
			}
			f, ok = <-flights
		}
		if !ok {
			if unsaid > 0 {
				_ = newest.msg.Ack()
			}
			return failed
		}
		err := <-f.done
		switch {
		case failed != nil: // it was refused because of the one before
		case err == nil:
			newest = f
			if unsaid++; unsaid >= acknowledgeEvery {
				_ = newest.msg.Ack()
				unsaid = 0
			}
			cleaner.passed(f)
		case errors.Is(err, event.ErrPosition):
			failed = fmt.Errorf("%w: %w", errAgainFrom, err)
			stop(failed)
		case f.number == in.poison, down(err): // even that it is refused could not be recorded
			failed = err
			stop(failed)
		default:
			in.poison, in.why = f.number, err
			failed = fmt.Errorf("%w: %w", errAgainFrom, err)
			stop(failed)
		}
	}
}
