package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"
)

// TestAWeakerStreamIsRefused: what could lose an acknowledged message is named.
func TestAWeakerStreamIsRefused(t *testing.T) {
	if why := weaker(streamConfig(3, 4, 3), 3); len(why) > 0 {
		t.Fatalf("our own: %q", why)
	}
	for want, change := range map[string]func(*jetstream.StreamConfig){
		"storage is not file":      func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"2 replicas":               func(c *jetstream.StreamConfig) { c.Replicas = 2 },
		"retention is not limits":  func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy },
		"discard is not new":       func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"max_age is set":           func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"max_msgs_per_subject":     func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
		"no_ack":                   func(c *jetstream.StreamConfig) { c.NoAck = true },
		"persist_mode is async":    func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"from other streams":       func(c *jetstream.StreamConfig) { c.Mirror = &jetstream.StreamSource{Name: "x"} },
		"its subjects are":         func(c *jetstream.StreamConfig) { c.Subjects = []string{"proctor.record.v1.>"} },
		"its subjects are [\"pro.": func(c *jetstream.StreamConfig) { c.Subjects = []string{"pro.>"} },
	} {
		c := streamConfig(3, 4, 3)
		change(&c)
		if why := strings.Join(weaker(c, 3), "; "); !strings.Contains(why, want) {
			t.Errorf("got %q, want %q", why, want)
		}
	}
}

// TestASessionHasOnePartition: it is one of those that are there, and the same whoever asks.
func TestASessionHasOnePartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session, n := rapid.StringMatching(`[a-z0-9-]{1,40}`).Draw(t, "session"), rapid.IntRange(1, MaxPartitions).Draw(t, "partitions")
		if p := partitionOf(session, n); p < 0 || p >= n || p != partitionOf(session, n) {
			t.Fatalf("session %s of %d partitions is in %d", session, n, p)
		}
	})
	for session, want := range map[string]int{"01a22a6f-7cc3-7ec3-8d8a-b97b800a74ce": 3, "one": 3, "system": 0} { // they are in streams: it stays so
		if got := partitionOf(session, 4); got != want {
			t.Errorf("session %s is in partition %d of 4, was in %d", session, got, want)
		}
	}
}

func TestPasswordsInAddressesAreNotShown(t *testing.T) {
	c := &cluster{opts: ClusterOptions{URL: "nats://me:secret@a:1, tls://b:2,me:p@ss@c:3"}}
	if got := c.String(); got != "nats://a:1,tls://b:2,nats://c:3" {
		t.Error(got)
	}
}
