package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"proctor/bus"
	"proctor/bus/bustest"
	"proctor/event"
	"proctor/ledger"
)

func clusterOptions(s *bustest.Servers, user string) bus.ClusterOptions {
	return bus.ClusterOptions{URL: s.URL(user), Patience: 2 * time.Minute, Replicas: s.Len()}
}

// ledgerNode is a node in this process.
type ledgerNode struct {
	ledger *ledger.Ledger
	stop   func()
}

func startNode(t testing.TB, s *bustest.Servers, name, dir string) *ledgerNode {
	t.Helper()
	o := clusterOptions(s, "node")
	o.Partitions = 2
	return startNodeWith(t, o, name, dir)
}

func startNodeWith(t testing.TB, o bus.ClusterOptions, name, dir string) *ledgerNode {
	t.Helper()
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		err := bus.ServeNode(ctx, o, bus.NodeOptions{
			Name: name, Identity: l.PublicKey(), Lease: 2 * time.Second, Reserved: []string{"system"}, Say: func(text string) { t.Log(name, text) },
		}, l)
		if err != nil {
			t.Errorf("node %s: %v", name, err)
		}
	})
	n := &ledgerNode{ledger: l}
	n.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

// dialCluster waits until a node has made the streams.
func dialCluster(t testing.TB, s *bustest.Servers) *bus.Bus {
	t.Helper()
	return dialClusterWith(t, clusterOptions(s, "agent"))
}

func dialClusterWith(t testing.TB, o bus.ClusterOptions) *bus.Bus {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		b, err := bus.Dial(t.Context(), o)
		if err == nil {
			t.Cleanup(func() { _ = b.Close(context.Background()) })
			return b
		}
		if time.Now().After(end) || !strings.Contains(err.Error(), "no stream of proctor") {
			t.Fatal(err)
		}
	}
}

// has waits until a ledger has n entries.
func has(t testing.TB, l *ledger.Ledger, n uint64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); l.Tree().Size < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the ledger has %d entries, want %d", l.Tree().Size, n)
		}
	}
}

func TestWhatAClusterAcknowledgesReachesTheLedger(t *testing.T) {
	s := bustest.Start(t, 3)
	n := startNode(t, s, "a", t.TempDir())
	b := dialCluster(t, s)
	stream, err := event.NewStream("one", 0, "", "", b, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := stream.Publish(t.Context(), draft("published")); err != nil {
			t.Fatal(err)
		}
	}
	receipts, err := stream.Record(t.Context(), draft("a"), draft("b"))
	if err != nil {
		t.Fatal(err)
	}
	if r := receipts[1]; r.SessionSeq != 22 || r.Message == 0 || r.InLedger() {
		t.Errorf("receipt %+v", r)
	}
	has(t, n.ledger, 22)
	entries, err := n.ledger.Session(t.Context(), "one", 1, 100)
	if err != nil || len(entries) != 22 || entries[21].ID != receipts[1].ID {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if text, ok := entries[21].Event.Payload.(*event.UserPromptPayload).Prompt.Reveal(); !ok || text != "b" {
		t.Errorf("content %q, %v", text, ok)
	}
	// Another process must not go on with a session that it does not know.
	other := dialCluster(t, s)
	stale, err := event.NewStream("one", 20, "", "", other, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stale.Record(t.Context(), draft("late")); !errors.Is(err, bus.ErrMoved) || !errors.Is(err, event.ErrNotRecorded) {
		t.Errorf("a stale writer: %v", err)
	}
	fresh, err := event.NewStream("one", 22, "", "", other, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Record(t.Context(), draft("goes on")); !errors.Is(err, bus.ErrMoved) {
		t.Errorf("a lane that failed is used again: %v", err)
	}
	third := dialCluster(t, s)
	if fresh, err = event.NewStream("one", 22, "", "", third, time.Now); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Record(t.Context(), draft("goes on")); err != nil {
		t.Error(err)
	}
	if _, err := stream.Record(t.Context(), draft("overtaken")); !errors.Is(err, bus.ErrMoved) {
		t.Errorf("the writer before: %v", err)
	}
	has(t, n.ledger, 23)
	n.stop()
}
