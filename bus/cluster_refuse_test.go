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

// heard is what a node says.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heard) say(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.WriteString(text + "\n")
}

func (h *heard) wait(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		text := h.text.String()
		h.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the node did not say %q:\n%s", want, text)
		}
	}
}

func serveNode(ctx context.Context, s *bustest.Servers, l *ledger.Ledger, name string, h *heard) error {
	o := clusterOptions(s, "node")
	o.Partitions = 2
	return bus.ServeNode(ctx, o, bus.NodeOptions{
		Name: name, Identity: l.PublicKey(), Lease: time.Second, Keep: time.Nanosecond, Reserved: []string{"system"}, Say: h.say,
	}, l)
}

func openLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.TempDir(), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestServersThatDoNotSyncAreRefused: by name, with what to set; so are those that do not say, unless they are believed.
func TestServersThatDoNotSyncAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ file, old, new, want string }{
		"lazy":   {"nats.conf", "sync_interval: always", "sync_interval: 30s", "n1 syncs every 30s, not every write: set sync_interval to always"},
		"silent": {"accounts.conf", `exports: [ { service: "$SYS.REQ.SERVER.PING.JSZ"`, `exports: [ { service: "$SYS.REQ.SERVER.PING.IDZ"`, "n1 does not answer whether it syncs every write"},
		"small":  {"nats.conf", "max_payload: 32MB", "max_payload: 1MB", "set max_payload to 32MB"},
	} {
		t.Run(name, func(t *testing.T) {
			s := bustest.Start(t, 1, func(file, text string) string {
				if name == "silent" && file == "accounts.conf" {
					text = strings.ReplaceAll(text, `imports: [ { service: { account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ" } } ]`, "")
				}
				if file == tt.file {
					text = strings.ReplaceAll(text, tt.old, tt.new)
				}
				return text
			})
			l := openLedger(t)
			err := serveNode(t.Context(), s, l, "a", &heard{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || name != "small" && !errors.Is(err, bus.ErrNotDurable) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), bustest.Password) {
				t.Errorf("the error shows a password: %v", err)
			}
			o := clusterOptions(s, "agent")
			o.AssumeSynced = true
			b, err := bus.Dial(t.Context(), o)
			if (err == nil) != (name == "silent") {
				t.Errorf("believed: %v", err)
			}
			if err == nil {
				_ = b.Close(t.Context())
			}
		})
	}
}

// TestWhatIsNoRecordIsRefusedInItsPlace: a message that a ledger cannot take in becomes an event that says so, and what comes behind is taken.
func TestWhatIsNoRecordIsRefusedInItsPlace(t *testing.T) {
	s := bustest.Start(t, 1)
	l, h := openLedger(t), &heard{}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if err := serveNode(ctx, s, l, "a", h); err != nil {
			t.Error(err)
		}
	})
	defer work.Wait()
	defer cancel()
	b := dialCluster(t, s)
	record := func(session string, after uint64) {
		t.Helper()
		stream, err := event.NewStream(session, after, "", "", b, time.Now)
		if err == nil {
			_, err = stream.Record(t.Context(), draft("text"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	js := s.JetStream("agent")
	put := func(subject, data string) {
		t.Helper()
		if _, err := js.Publish(t.Context(), subject, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	record("good", 0)
	put("proctor.record.v1.0.garbage", "\x01\x00\x00\x00")
	put("proctor.record.v1.1.garbage", "no message of proctor")
	record("begins-late", 6) // number 7, and the ledger has none before
	record("system", 0)      // kept for nodes
	record("good-too", 0)
	has(t, l, 6)
	refused := 0
	entries, err := l.Read(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch p := e.Event.Payload.(type) {
		case *event.MessageRefusedPayload:
			refused++
			if !strings.HasPrefix(e.Session, bus.RefusedPrefix) || p.Bytes == 0 || p.Reason == "" {
				t.Errorf("refused: %+v in session %s", p, e.Session)
			}
		default:
			if !strings.HasPrefix(e.Session, "good") {
				t.Errorf("%s of session %s was taken", e.Kind, e.Session)
			}
		}
	}
	if refused != 4 || len(entries) != 6 {
		t.Errorf("%d of %d entries say that a message was refused, want 4 of 6", refused, len(entries))
	}
	if report, err := l.Verify(t.Context(), ledger.VerifyOptions{}); err != nil || !report.OK {
		t.Errorf("verify: %v %+v", err, report)
	}
}

// TestANodeNeverPassesOverWhatItLacks: messages that one ledger has and that were dropped from the stream cannot be taken by another.
func TestANodeNeverPassesOverWhatItLacks(t *testing.T) {
	s := bustest.Start(t, 1)
	first, h := openLedger(t), &heard{}
	run := func(l *ledger.Ledger, name string, h *heard) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() {
			if err := serveNode(ctx, s, l, name, h); err != nil {
				t.Error(err)
			}
		})
		return func() { cancel(); work.Wait() }
	}
	stop := run(first, "a", h)
	b := dialCluster(t, s)
	stream, err := event.NewStream("long", 0, "", "", b, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	more := func() {
		t.Helper()
		if _, err := stream.Record(t.Context(), draft("text")); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		more()
	}
	has(t, first, 10)
	stop()
	more()
	h = &heard{}
	stop = run(first, "a", h) // it drops what it has: here at once
	has(t, first, 11)
	h.wait(t, "from message 11 on")
	stop()
	more()
	second, lost := openLedger(t), &heard{}
	stop = run(second, "b", lost)
	lost.wait(t, "the stream begins after what this ledger has")
	stop()
	if size := second.Tree().Size; size != 0 {
		t.Errorf("%d entries of a session whose beginning is missing", size)
	}
	stop = run(first, "a", &heard{})
	has(t, first, 12)
	stop()
}
