package netproxy

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proctor/policy"
)

// TestDroppedConnections: 10,000 clients that go away at any point leave no goroutine, no descriptor and no decision without
// its end.
func TestDroppedConnections(t *testing.T) {
	const all, at = 10_000, 16
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	near, err := net.Listen("tcp", "127.0.0.1:0") // the destination hangs up on some
	if err != nil {
		t.Fatal(err)
	}
	var servers sync.WaitGroup
	servers.Go(func() {
		for n := 0; ; n++ {
			c, err := near.Accept()
			if err != nil {
				return
			}
			if n%3 == 0 {
				_ = c.(*net.TCPConn).SetLinger(0)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
			_ = c.Close()
		}
	})
	var decided, allowed, ended atomic.Int64
	p, err := New(Options{
		Policy: table(publicA, "bad.test=deny"), Dialer: to(near.Addr().String()),
		OnDecision: func(_ context.Context, d Decision) error {
			decided.Add(1)
			if d.Outcome == policy.Allow {
				allowed.Add(1)
			}
			return nil
		},
		OnClose: func(Decision) { ended.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	servers.Go(func() { served <- p.Serve(ctx, Inlet{Listener: l, Call: "c"}) })

	sends := []string{
		"", "G", "GET http://" + publicA + "/ HT", "GET http://" + publicA + "/ HTTP/1.1\r\nHost: " + publicA + "\r\n\r\n", "\x05", "\x05\x01\x00\x05\x01\x00\x01\x5d\xb8\xd8\x22\x00\x50",
		"CONNECT " + publicA + ":443 HTTP/1.1\r\n\r\n", "CONNECT bad.test:443 HTTP/1.1\r\n\r\n", "POST http://" + publicA + "/ HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc",
		"\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00",
	}
	var clients sync.WaitGroup
	var next atomic.Int64
	for range at {
		clients.Go(func() {
			for n := next.Add(1); n <= all; n = next.Add(1) {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(c, sends[n%int64(len(sends))])
				switch n % 7 {
				case 0:
					_ = c.(*net.TCPConn).SetLinger(0) // a reset
				case 1:
					_ = c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
					_, _ = c.Read(make([]byte, 10))
				}
				_ = c.Close()
			}
		})
	}
	clients.Wait()
	// What the proxy still holds ends by itself: the clients are gone.
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && (len(p.slots) > 0 || descriptors(t) > files); {
		time.Sleep(20 * time.Millisecond)
	}
	if open, now := len(p.slots), descriptors(t); open > 0 || now > files {
		t.Errorf("%d connections are open, %d descriptors where there were %d", open, now, files)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	_ = near.Close()
	servers.Wait()
	if allowed.Load() != ended.Load() || allowed.Load() == 0 || decided.Load() == allowed.Load() {
		t.Errorf("%d decisions, %d allowed, %d ended", decided.Load(), allowed.Load(), ended.Load())
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && runtime.NumGoroutine() > goroutines; {
		time.Sleep(20 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines where there were %d", now, goroutines)
	}
}

// to dials one address whatever is asked for.
type to string

func (a to) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, string(a))
}

// descriptors counts what this process has open; zero where that cannot be told.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
