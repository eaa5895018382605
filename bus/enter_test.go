package bus

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"proctor/event"
)

// leaving is an owner's end of a connection that it closes at the second ping: behind the handshake, before the other side uses the connection.
type leaving struct {
	net.Conn
	pings int
}

func (c *leaving) Write(p []byte) (int, error) {
	if c.pings += bytes.Count(p, []byte("PING\r\n")); c.pings > 1 {
		return 0, errors.Join(net.ErrClosed, c.Close())
	}
	return c.Conn.Write(p)
}

// TestAnOwnerThatEndsWhileSomebodyJoinsIsLookedForAgain: the first connection ends when it is about to be used, the second one stays.
func TestAnOwnerThatEndsWhileSomebodyJoinsIsLookedForAgain(t *testing.T) {
	dir := t.TempDir()
	m := &memory{}
	owner := newBus(Options{})
	l, err := owner.serverLink()
	if err == nil {
		err = owner.attach(l, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	l.door, err = openDoor(dir, "", owner.log, func() (net.Conn, error) {
		c, err := l.server.InProcessConn()
		if asked.Add(1) == 1 {
			c = &leaving{Conn: c}
		}
		return c, err
	}, l.backlog)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := Join(t.Context(), JoinOptions{Dir: dir, Own: func(context.Context) (Ledger, error) { return nil, ErrOwned }})
	if err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("connected %d times", n)
	}
	if _, err := stream(t, guest, "s").Record(t.Context(), event.Draft{Payload: &event.TurnTTFTPayload{}}); err != nil {
		t.Error(err)
	}
	if err := guest.Close(context.Background()); err != nil {
		t.Error(err)
	}
	l.end()
	m.all.Wait()
}
