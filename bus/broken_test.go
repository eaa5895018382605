package bus

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"proctor/event"
)

// breaking is a connection that takes nothing from some moment on, before its other end is gone.
type breaking struct {
	net.Conn
	broken atomic.Bool
}

func (c *breaking) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(p)
}

// TestWhatABrokenConnectionDoesNotTakeIsSentAgain: a message that is too large for a buffer is written while it is published, so the error
// of the connection shows there.
func TestWhatABrokenConnectionDoesNotTakeIsSentAgain(t *testing.T) {
	dir := t.TempDir()
	m := &memory{}
	owner, err := Join(t.Context(), JoinOptions{Dir: dir, Own: func(context.Context) (Ledger, error) { return m, nil }})
	if err != nil {
		t.Fatal(err)
	}
	guest, err := Join(t.Context(), JoinOptions{Dir: dir, Own: func(context.Context) (Ledger, error) { return nil, ErrOwned }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, b := range []*Bus{guest, owner} {
			if err := b.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		m.all.Wait()
	})
	raw, _, err := dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	conn := &breaking{Conn: raw}
	l, err := guest.guestLink(conn)
	if err != nil {
		t.Fatal(err)
	}
	guest.mu.Lock()
	first := guest.link
	guest.mu.Unlock()
	if err := guest.use(l); err != nil {
		t.Fatal(err)
	}
	first.end()
	s := stream(t, guest, "s")
	if _, err := s.Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err != nil {
		t.Fatal(err)
	}
	conn.broken.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text := strings.Repeat("x", 1<<20)
	for i := range 3 {
		if _, err := s.Record(ctx, event.Draft{Payload: &event.UserPromptPayload{Prompt: event.Secret(text)}}); err != nil {
			t.Fatal(fmt.Errorf("record %d: %w", i, err))
		}
	}
	if len(m.events) != 4 {
		t.Errorf("%d events arrived, want 4", len(m.events))
	}
}
