package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/ledger"
)

// member is one process's part in a ledger, several of which live in a test's own process.
type member struct {
	*bus.Bus
	t   testing.TB
	dir string
	mu  sync.Mutex
	own *ledger.Ledger
}

func join(t testing.TB, dir string) *member {
	t.Helper()
	m := &member{t: t, dir: dir}
	b, err := bus.Join(t.Context(), bus.JoinOptions{Dir: dir, Own: m.take, Patience: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	m.Bus = b
	t.Cleanup(m.leave)
	return m
}

func (m *member) take(context.Context) (bus.Ledger, error) {
	l, err := ledger.Open(m.dir, ledger.Options{})
	if errors.Is(err, ledger.ErrInUse) {
		return nil, fmt.Errorf("%w: %w", bus.ErrOwned, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own = l
	return l, err
}

// leave ends the member in order; a second call does nothing.
func (m *member) leave() {
	if err := m.Close(context.Background()); err != nil {
		m.t.Error(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.own != nil {
		if err := m.own.Close(); err != nil {
			m.t.Error(err)
		}
		m.own = nil
	}
}

func (m *member) stream(session string, last uint64) *event.Stream {
	m.t.Helper()
	s, err := event.NewStream(session, last, "", "", m, time.Now)
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

func draft(text string) event.Draft {
	return event.Draft{Payload: &event.UserPromptPayload{Length: len(text), Prompt: event.Secret(text)}}
}

func TestReceiptsAndEventsCrossBetweenProcesses(t *testing.T) {
	dir := t.TempDir()
	owner, guest := join(t, dir), join(t, dir)
	if !owner.Owner() || guest.Owner() {
		t.Fatal("the first owns the ledger, and the second does not")
	}
	for _, way := range []struct{ from, to *member }{{owner, guest}, {guest, owner}, {guest, guest}} {
		session := event.NewID()
		got := make(chan event.Entry, 1)
		stop, err := way.to.Watch(string(session), event.UserPrompt, func(e event.Entry) { got <- e })
		if err != nil {
			t.Fatal(err)
		}
		receipts, err := way.from.stream(string(session), 0).Record(t.Context(), draft("hello"))
		if err != nil {
			t.Fatal(err)
		}
		e := <-got
		if e.Receipt != receipts[0] {
			t.Errorf("watched %+v, the receipt is %+v", e.Receipt, receipts[0])
		}
		if text, _ := e.Event.Payload.(*event.UserPromptPayload).Prompt.Reveal(); text != "hello" {
			t.Errorf("content %q", text)
		}
		stop()
	}
}

func TestASessionIsWrittenThroughItsProcess(t *testing.T) {
	dir := t.TempDir()
	owner, guest := join(t, dir), join(t, dir)
	for _, way := range []struct{ lender, borrower *member }{{owner, guest}, {guest, owner}, {guest, guest}} {
		s := way.lender.stream(string(event.NewID()), 0)
		if _, err := s.Record(t.Context(), draft("first")); err != nil {
			t.Fatal(err)
		}
		refuse := errors.New("only prompts")
		stop, err := way.lender.Lend(s, func(d event.Draft) error {
			if d.Payload.Kind() != event.UserPrompt {
				return refuse
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		to := way.borrower.Borrow(s.Session())
		again := draft("second")
		again.ID = event.NewID()
		var before event.Receipt
		for range 2 { // a borrower that does not know whether it arrived asks again
			receipts, err := to.Record(t.Context(), again)
			if err != nil {
				t.Fatal(err)
			}
			if receipts[0].SessionSeq != 2 || receipts[0].ID != again.ID || before.Seq != 0 && before != receipts[0] {
				t.Errorf("receipt %+v", receipts[0])
			}
			before = receipts[0]
		}
		if _, err := to.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err == nil || !strings.Contains(err.Error(), refuse.Error()) {
			t.Errorf("a draft that is not accepted: %v", err)
		}
		if _, err := s.Record(t.Context(), draft("third")); err != nil {
			t.Errorf("the session goes on: %v", err)
		}
		stop()
	}
	if _, err := guest.Borrow("nobody").Record(t.Context(), draft("x")); !errors.Is(err, bus.ErrNotLent) {
		t.Errorf("a session that nobody runs: %v", err)
	}
}

func TestTheNextOwnerTakesWhatTheLastLeft(t *testing.T) {
	dir := t.TempDir()
	owner, guest := join(t, dir), join(t, dir)
	s := guest.stream("s", 0)
	watched := make(chan uint64, 64)
	if _, err := guest.Watch("s", event.UserPrompt, func(e event.Entry) { watched <- e.SessionSeq }); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if i == 10 {
			owner.leave()
		}
		if _, err := s.Record(t.Context(), draft("x")); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if n := <-watched; n != uint64(i+1) {
			t.Fatalf("watched %d, expected %d", n, i+1)
		}
	}
	if !guest.Owner() {
		t.Error("the guest did not become the owner")
	}
	late := join(t, dir)
	if _, err := late.stream("t", 0).Record(t.Context(), draft("x")); err != nil {
		t.Errorf("through the next owner: %v", err)
	}
}

func TestWithoutAnOwnerSubmissionsFailInTime(t *testing.T) {
	dir := t.TempDir()
	owned := errors.New("owned")
	began := time.Now()
	_, err := bus.Join(t.Context(), bus.JoinOptions{Dir: dir, Patience: 200 * time.Millisecond, Own: func(context.Context) (bus.Ledger, error) {
		return nil, errors.Join(bus.ErrOwned, owned)
	}})
	if !errors.Is(err, bus.ErrNoOwner) || !errors.Is(err, owned) {
		t.Errorf("join: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestAnotherProtocolIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	join(t, dir)
	conn, err := net.Dial("unix", filepath.Join(dir, bus.Socket))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("proctor-bus/99 1\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 256)
	n, _ := conn.Read(answer)
	if want := fmt.Sprintf("proctor-bus/%d %d\n", bus.Protocol, os.Getpid()); string(answer[:n]) != want {
		t.Errorf("answer %q, expected %q", answer[:n], want)
	}
	if n, err := conn.Read(answer); n != 0 || err == nil {
		t.Errorf("the connection goes on: %q, %v", answer[:n], err)
	}

	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "bus.pass"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(other, bus.Socket))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 256))
			_, _ = conn.Write([]byte("proctor-bus/99 7\n"))
			_ = conn.Close()
		}
	})
	_, err = bus.Join(t.Context(), bus.JoinOptions{Dir: other, Own: func(context.Context) (bus.Ledger, error) { return nil, bus.ErrOwned }})
	if !errors.Is(err, bus.ErrProtocol) || !strings.Contains(err.Error(), "proctor-bus/99") || !strings.Contains(err.Error(), fmt.Sprintf("proctor-bus/%d;", bus.Protocol)) {
		t.Errorf("join: %v", err)
	}
}

func TestTheSocketIsTheUsersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40)) // longer than the address of a socket
	owner := join(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, bus.Socket): 0o600 | os.ModeSocket} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, expected %v", path, info.Mode(), err, want)
		}
	}
	guest := join(t, dir)
	if _, err := guest.stream("s", 0).Record(t.Context(), draft("x")); err != nil {
		t.Error(err)
	}
	guest.leave()
	owner.leave()
	if _, err := os.Lstat(filepath.Join(dir, bus.Socket)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}
