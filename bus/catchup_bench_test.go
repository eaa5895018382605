package bus

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"proctor/bus/bustest"
	"proctor/event"
	"proctor/ledger"
)

// BenchmarkCatchUp is how fast a node whose ledger is empty takes in what waits in four streams of three servers on this machine: events
// of about 1 KB, three in a message. Neither filling the streams nor starting the node is counted.
func BenchmarkCatchUp(b *testing.B) {
	s := bustest.Start(b, 3)
	o := ClusterOptions{URL: s.URL("node"), Partitions: defaultPartitions}
	c, err := dialCluster(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if err := c.cluster.make(b.Context()); err != nil {
		b.Fatal(err)
	}
	fill(b, s.JetStream("node"), b.N)
	l, err := ledger.Open(b.TempDir(), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(b.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := ServeNode(ctx, o, NodeOptions{Name: "a", Identity: l.PublicKey()}, l); err != nil {
			b.Error(err)
		}
	})
	defer serving.Wait()
	defer cancel()
	for l.Tree().Size == 0 {
		time.Sleep(time.Millisecond)
	}
	b.ResetTimer()
	for l.Tree().Size < uint64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// fill puts n events of 80 sessions into the streams.
func fill(b *testing.B, js jetstream.JetStream, n int) {
	const sessions, perMessage = 80, 3
	text := strings.Repeat("x", 700)
	names, numbers := make([]string, sessions), make([]uint64, sessions)
	for i := range names {
		names[i] = string(event.NewID())
	}
	for i := 0; n > 0; i = (i + 1) % sessions {
		var batch []event.Encoded
		for ; len(batch) < perMessage && n > 0; n-- {
			numbers[i]++
			payload := &event.UserPromptPayload{Length: len(text), Prompt: event.Secret(text)}
			kind, _ := event.Lookup(payload.Kind())
			enc, err := event.Encode(&event.Event{
				ID: event.NewID(), Kind: payload.Kind(), Schema: kind.Schema, Session: names[i], Seq: numbers[i],
				Time: time.Now().UTC().Truncate(time.Microsecond), Actor: event.User, Payload: payload,
			})
			if err != nil {
				b.Fatal(err)
			}
			batch = append(batch, enc)
		}
		msg := &nats.Msg{Subject: recordSubject(partitionOf(names[i], defaultPartitions), names[i]), Data: encodeFrames(batch)}
		if _, err := js.PublishMsgAsync(msg, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	if n := js.PublishAsyncPending(); n > 0 {
		b.Fatalf("%d messages are not acknowledged", n)
	}
}
