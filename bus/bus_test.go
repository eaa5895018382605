package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"proctor/event"
)

// memory is a ledger that commits at once, when it is told to, or never.
type memory struct {
	mu     sync.Mutex
	events []event.Head
	fail   error
	hold   chan struct{} // commits wait until it is closed
	short  bool          // answers with a receipt too few
	other  bool          // answers with receipts for other events
	all    sync.WaitGroup
}

func (m *memory) Submit(batch []event.Encoded, done func([]event.Receipt, error)) {
	m.all.Go(func() {
		if m.hold != nil {
			<-m.hold
		}
		done(m.commit(batch))
	})
	if m.hold == nil {
		m.all.Wait() // keeps the order
	}
}

func (m *memory) commit(batch []event.Encoded) ([]event.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	var receipts []event.Receipt
	for _, enc := range batch {
		head, err := event.ParseHead(enc.Public)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, event.Receipt{
			ID: head.ID, Seq: event.Seq(len(m.events)), SessionSeq: head.Seq, Leaf: event.Hash{1, byte(len(m.events))}, Received: time.UnixMicro(42).UTC(),
		})
		m.events = append(m.events, head)
	}
	switch {
	case m.short:
		receipts = receipts[1:]
	case m.other:
		receipts[0].ID = event.NewID()
	}
	return receipts, nil
}

func start(t *testing.T, m *memory) *Bus {
	t.Helper()
	b, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		m.all.Wait()
	})
	if _, err := b.Attach(m); err != nil {
		t.Fatal(err)
	}
	return b
}

func stream(t *testing.T, b *Bus, session string) *event.Stream {
	t.Helper()
	s, err := event.NewStream(session, 0, "", "", b, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRecordReturnsTheLedgersReceipts(t *testing.T) {
	m := &memory{}
	s := stream(t, start(t, m), "s")
	receipts, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}, event.Draft{Payload: &event.UserPromptPayload{Prompt: event.Secret("x")}})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range receipts {
		if r.ID != m.events[i].ID || r.Seq != event.Seq(i) || r.SessionSeq != uint64(i+1) || r.Leaf != (event.Hash{1, byte(i)}) || !r.Received.Equal(time.UnixMicro(42)) {
			t.Errorf("receipt %d: %+v", i, r)
		}
	}
}

func TestOrderHoldsAcrossProducers(t *testing.T) {
	m := &memory{}
	b := start(t, m)
	var all sync.WaitGroup
	for p := range 16 {
		s := stream(t, b, fmt.Sprintf("s-%d", p))
		all.Go(func() {
			for range 100 {
				if err := s.Publish(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err != nil {
					t.Error(err)
					return
				}
			}
			if err := s.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	next := map[string]uint64{}
	for _, h := range m.events {
		next[h.Session]++
		if h.Seq != next[h.Session] {
			t.Fatalf("session %s: number %d arrived as %d", h.Session, h.Seq, next[h.Session])
		}
	}
	if len(m.events) != 1600 {
		t.Errorf("%d events arrived, want 1600", len(m.events))
	}
}

func TestAFailedCommitReachesTheProducer(t *testing.T) {
	m := &memory{fail: errors.New("no space left on device")}
	s := stream(t, start(t, m), "s")
	_, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}})
	if !errors.Is(err, event.ErrNotRecorded) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}

func TestSubmitBlocksWhenTheLedgerDoesNotKeepUp(t *testing.T) {
	m := &memory{hold: make(chan struct{})}
	b := start(t, m)
	big := strings.Repeat("x", event.MaxContent-1)
	s := stream(t, b, "s")
	var sent int
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := s.Publish(ctx, event.Draft{Payload: &event.UserPromptPayload{Prompt: event.Secret(big)}})
		cancel()
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			break
		}
		if sent++; sent*event.MaxContent > 2*MaxBatch {
			t.Fatal("nothing blocks")
		}
	}
	close(m.hold)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err != nil {
		t.Errorf("after the ledger caught up: %v", err)
	}
	if len(m.events) != sent+1 {
		t.Errorf("%d events arrived, %d were accepted", len(m.events), sent+1)
	}
}

func TestTheLargestSubmissionIsAccepted(t *testing.T) {
	m := &memory{}
	b := start(t, m)
	events := large(MaxBatch - 64<<10)
	last := events[len(events)-1].Payload.(*event.UserPromptPayload)
	text, _ := last.Prompt.Reveal()
	last.Prompt = event.Secret(text + strings.Repeat("x", MaxBatch-100-size(t, events)))
	if n := size(t, events); n < MaxBatch-500 || n > MaxBatch {
		t.Fatalf("the submission has %d bytes", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pending, err := b.Submit(ctx, events...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pending.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Submit(t.Context(), large(MaxBatch+1<<20)...); !errors.Is(err, ErrTooLarge) {
		t.Errorf("above the bound: got %v", err)
	}
}

func size(t *testing.T, events []*event.Event) int {
	t.Helper()
	var batch []event.Encoded
	for _, e := range events {
		enc, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, enc)
	}
	return len(encodeFrames(batch))
}

// large are events that take a little less than size bytes on the bus.
func large(size int) []*event.Event {
	var events []*event.Event
	for seq := uint64(1); size > 4096; seq++ {
		n := min(size-2048, event.MaxContent)
		events = append(events, &event.Event{
			ID: event.NewID(), Kind: event.UserPrompt, Schema: 1, Session: "s", Seq: seq, Time: time.Now(), Actor: event.User,
			Payload: &event.UserPromptPayload{Prompt: event.Secret(strings.Repeat("x", n))},
		})
		size -= n + 1024
	}
	return events
}

// What waits is gathered, but never into a message above the bound.
func TestGatheredMessagesKeepTheBound(t *testing.T) {
	m := &memory{hold: make(chan struct{})}
	b, err := Start(Options{MaxInFlight: 8 * MaxBatch})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		m.all.Wait()
	}()
	if _, err := b.Attach(m); err != nil {
		t.Fatal(err)
	}
	var pending []event.Pending
	for range 12 {
		p, err := b.Submit(t.Context(), large(MaxBatch/3)...)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	close(m.hold)
	for i, p := range pending {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatalf("submission %d: %v", i, err)
		}
	}
}

// A ledger that answers with fewer receipts than events, or with those of others, has committed nothing one could rely on.
func TestReceiptsAreThoseOfTheEvents(t *testing.T) {
	for name, m := range map[string]*memory{"too few": {short: true}, "of others": {other: true}} {
		s := stream(t, start(t, m), "s")
		if _, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}, event.Draft{Payload: &event.TurnTTFTPayload{}}); !errors.Is(err, event.ErrNotRecorded) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestOnesOwnReceiptsDoNotTravel: who listens to answers, as guests may, does not hear where the owner waits for its own.
func TestOnesOwnReceiptsDoNotTravel(t *testing.T) {
	b := start(t, &memory{})
	heard := make(chan string, 16)
	if _, err := b.link.conn.Subscribe(nats.InboxPrefix+">", func(msg *nats.Msg) { heard <- msg.Subject }); err != nil {
		t.Fatal(err)
	}
	s := stream(t, b, "s")
	for range 3 {
		if _, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.link.conn.Publish(nats.InboxPrefix+"end", nil); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != nats.InboxPrefix+"end" {
		t.Errorf("an answer on %s", got)
	}
}

func TestCloseAnswersWhoWaits(t *testing.T) {
	m := &memory{hold: make(chan struct{})}
	b, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Attach(m); err != nil {
		t.Fatal(err)
	}
	s := stream(t, b, "s")
	got := make(chan error, 1)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, err := s.Record(context.Background(), event.Draft{Payload: &event.TurnTTFTPayload{}})
		got <- err
	})
	for b.inFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if _, err := b.Submit(t.Context(), &event.Event{}); err == nil {
		t.Error("a closed bus accepts events")
	}
	waiting.Wait()
	close(m.hold)
	m.all.Wait()
}

func TestWatchersSeeCommittedEventsOnly(t *testing.T) {
	m := &memory{}
	b := start(t, m)
	seen := make(chan event.Entry, 16)
	stop, err := b.Subscribe(Filter{Session: "a", Kind: event.UserPrompt}, "", func(e event.Entry) { seen <- e })
	if err != nil {
		t.Fatal(err)
	}
	a, other := stream(t, b, "a"), stream(t, b, "b")
	for _, s := range []*event.Stream{a, other} {
		if _, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}, event.Draft{Payload: &event.UserPromptPayload{Length: 5, Prompt: event.Secret("hello")}}); err != nil {
			t.Fatal(err)
		}
	}
	e := <-seen
	if text, _ := e.Event.Payload.(*event.UserPromptPayload).Prompt.Reveal(); text != "hello" || e.Session != "a" || e.Seq != 1 {
		t.Errorf("got %+v", e)
	}
	m.fail = errors.New("full")
	if _, err := stream(t, b, "a").Record(t.Context(), event.Draft{Payload: &event.UserPromptPayload{}}); err == nil {
		t.Error("recorded")
	}
	stop()
	if len(seen) != 0 {
		t.Errorf("%d further events were delivered", len(seen))
	}
}

func TestAGroupGetsEachEventOnce(t *testing.T) {
	m := &memory{}
	b := start(t, m)
	seen := make(chan string, 100)
	for _, name := range []string{"one", "two"} {
		stop, err := b.Subscribe(Filter{Kind: event.TurnTTFT}, "reviewers", func(event.Entry) { seen <- name })
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
	}
	s := stream(t, b, "s")
	const n = 40
	for range n {
		if _, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		<-seen
	}
	time.Sleep(20 * time.Millisecond)
	if len(seen) != 0 {
		t.Errorf("%d events were delivered twice", len(seen))
	}
}

func TestTheBusListensOnNoSocket(t *testing.T) {
	before := sockets(t)
	start(t, &memory{})
	if after := sockets(t); after > before {
		t.Errorf("the process has %d sockets, %d before the bus", after, before)
	}
	if c, err := net.DialTimeout("tcp", "127.0.0.1:4222", 100*time.Millisecond); err == nil {
		_ = c.Close()
		t.Error("something listens on the NATS port")
	}
}

func sockets(t *testing.T) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	for _, fd := range fds {
		if link, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}

func FuzzFrames(f *testing.F) {
	f.Add(encodeFrames([]event.Encoded{{Public: []byte("{}"), Content: []byte("{}")}, {Public: []byte("x")}}))
	f.Add(encodeReceipts([]event.Receipt{{ID: event.NewID()}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if batch, err := decodeFrames(b); err == nil && string(encodeFrames(batch)) != string(b) {
			t.Error("frames change when encoded again")
		}
		if r, err := decodeReceipts(b); err == nil && string(encodeReceipts(r)) != string(b) {
			t.Error("receipts change when encoded again")
		}
		_, _ = decodeEntry(b)
	})
}

// TestWhatIsServedNoMoreIsRefusedAtOnce: a request that comes right after does not wait for an answer.
func TestWhatIsServedNoMoreIsRefusedAtOnce(t *testing.T) {
	b := start(t, &memory{})
	other, err := nats.Connect("", nats.InProcessServer(b.link.server))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i := range 100 {
		stop, err := b.Answer("topic", func(q []byte) []byte { return q })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Request(asked+"topic", nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		stop()
		if _, err := other.Request(asked+"topic", nil, time.Minute); !errors.Is(err, nats.ErrNoResponders) {
			t.Fatalf("round %d: %v", i, err)
		}
	}
}
