package bus_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proctor/bus"
	"proctor/event"
)

// knock connects as any program could, and says hello with a pass.
func knock(t *testing.T, dir, pass string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(dir, bus.Socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if pass != "" {
		if _, err := fmt.Fprintf(conn, "proctor-bus/%d 1 %s\n", bus.Protocol, pass); err != nil {
			t.Fatal(err)
		}
	}
	return conn, bufio.NewReader(conn)
}

func pass(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "bus.pass"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// enter is a guest that speaks the line below the hello itself.
func enter(t *testing.T, dir, say string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, r := knock(t, dir, pass(t, dir))
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "proctor-bus/") {
		t.Fatalf("hello: %q, %v", line, err)
	}
	if _, err := io.WriteString(conn, "CONNECT {\"verbose\":false,\"headers\":true}\r\n"+say); err != nil {
		t.Fatal(err)
	}
	return conn, r
}

// reads waits for a line of the server that has text in it.
func reads(t *testing.T, conn net.Conn, r *bufio.Reader, text string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		line, err := r.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
	}
}

// hungUp waits for the end of the connection; the reason that the server gives before it may be lost with what it did not read.
func hungUp(t *testing.T, conn net.Conn, r *bufio.Reader) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.Copy(io.Discard, r); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection goes on")
	}
}

// served makes sure that the owner still serves itself and others.
func served(t *testing.T, dir string, owner *member) {
	t.Helper()
	guest := join(t, dir)
	for _, m := range []*member{owner, guest} {
		if _, err := m.stream(string(event.NewID()), 0).Record(t.Context(), draft("x")); err != nil {
			t.Error(err)
		}
	}
	guest.leave()
}

func TestWhoDoesNotKnowThePassIsNoGuest(t *testing.T) {
	dir := t.TempDir()
	owner := join(t, dir)
	for _, guess := range []string{"guess", pass(t, dir) + "x", pass(t, dir)[1:]} {
		conn, r := knock(t, dir, guess)
		reads(t, conn, r, "refused it does not know the pass")
		if _, err := r.ReadByte(); err == nil {
			t.Error("the connection goes on")
		}
	}
	served(t, dir, owner)
}

func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	dir := t.TempDir()
	owner := join(t, dir)
	for range 3 * bus.MaxGuests {
		knock(t, dir, "")
	}
	served(t, dir, owner)
}

func TestGuestsAreBounded(t *testing.T) {
	dir := t.TempDir()
	owner := join(t, dir)
	for range bus.MaxGuests {
		enter(t, dir, "")
	}
	conn, r := knock(t, dir, pass(t, dir))
	reads(t, conn, r, "refused 64 processes are connected already")
	if _, err := owner.stream("s", 0).Record(t.Context(), draft("x")); err != nil {
		t.Error(err)
	}
}

func TestAGuestHasTheRightsOfAGuest(t *testing.T) {
	dir := t.TempDir()
	owner := join(t, dir)
	forged := make(chan event.Entry, 1)
	if _, err := owner.Watch("s", event.UserPrompt, func(e event.Entry) { forged <- e }); err != nil {
		t.Fatal(err)
	}
	for say, answer := range map[string]string{
		"SUB proctor.v1.> 1\r\n": "Permissions Violation",
		"SUB > 1\r\n":            "Permissions Violation",
		"PUB proctor.committed.v1.s.codex.user_prompt 1\r\nx\r\n":                                     "Permissions Violation",
		"PUB _INBOX.other.1 1\r\nx\r\n":                                                               "Permissions Violation",
		"PUB $SYS.REQ.SERVER.PING 1\r\nx\r\n":                                                         "Permissions Violation",
		"SUB _INBOX.a 1\r\nPUB proctor.v1.s.x _INBOX.a 5\r\n\x00\x00\x00\x01\x07\r\n":                 "MSG _INBOX.a 1",
		"SUB _INBOX.b 1\r\nPUB proctor.v1.s.x _INBOX.b 9\r\n\x00\x00\x00\x05\x01\x00\x00\x00\x00\r\n": "MSG _INBOX.b 1",
	} {
		conn, r := enter(t, dir, say)
		reads(t, conn, r, answer)
	}
	for _, say := range []string{"PUB proctor.v1.s.x 40000000\r\n", "garbage " + strings.Repeat("x", 5000) + "\r\n"} {
		conn, r := enter(t, dir, say)
		hungUp(t, conn, r)
	}
	// answers go to inboxes only, or a guest could have the owner announce what was never committed
	enter(t, dir, "PUB proctor.v1.s.x proctor.committed.v1.s.codex.user_prompt 1\r\nx\r\n")
	served(t, dir, owner)
	select {
	case e := <-forged:
		t.Errorf("forged: %+v", e)
	default:
	}
}

func TestAGuestThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	dir := t.TempDir()
	owner := join(t, dir)
	enter(t, dir, "SUB proctor.committed.v1.> 1\r\n")
	s := owner.stream("s", 0)
	began := time.Now()
	for range 40 {
		if _, err := s.Record(t.Context(), draft(strings.Repeat("x", 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("40 records took %s", took)
	}
	served(t, dir, owner)
}
