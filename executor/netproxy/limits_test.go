package netproxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proctor/policy"
)

// pipes is a network in memory, so that synctest owns its time: every destination swallows what it gets.
type pipes struct {
	in      chan net.Conn
	done    chan struct{}
	once    sync.Once
	dialled chan net.Conn
	stop    context.CancelFunc // ends Serve
}

func newPipes() *pipes {
	return &pipes{in: make(chan net.Conn), done: make(chan struct{}), dialled: make(chan net.Conn, 10)}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.in:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) DialContext(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.dialled <- far
	return near, nil
}

// LookupNetIP never answers.
func (p *pipes) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (p *pipes) client() net.Conn {
	near, far := net.Pipe()
	p.in <- far
	return near
}

// inBubble runs f beside a proxy with the default limits; ends are its OnClose calls.
func inBubble(t *testing.T, limits Limits, f func(n *pipes, decided, ends <-chan Decision)) {
	synctest.Test(t, func(t *testing.T) {
		n := newPipes()
		decided, ends := make(chan Decision, 10), make(chan Decision, 10)
		p, err := New(Options{
			Policy: table("*"), Resolver: n, Dialer: n, Limits: limits, OnClose: func(d Decision) { ends <- d },
			OnDecision: func(_ context.Context, d Decision) error { decided <- d; return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n.stop = cancel
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := p.Serve(ctx, Inlet{Listener: n}); err != nil {
				t.Errorf("serve: %v", err)
			}
		})
		f(n, decided, ends)
		cancel()
		wg.Wait()
	})
}

func tunnelThrough(t *testing.T, n *pipes) (near, far net.Conn) {
	t.Helper()
	near = n.client()
	if _, err := io.WriteString(near, "CONNECT "+publicA+":443 HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(near), &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("CONNECT: %v, %v", resp, err)
	}
	return near, <-n.dialled
}

func TestSilentTunnelIsCut(t *testing.T) {
	inBubble(t, Limits{}, func(n *pipes, _, ends <-chan Decision) {
		near, far := tunnelThrough(t, n)
		for range 3 { // traffic in one direction keeps it open
			time.Sleep(4 * time.Minute)
			if _, err := far.Write([]byte{1}); err != nil {
				t.Fatal(err)
			}
			if _, err := near.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		end := <-ends
		if end.Failure != errIdle.Error() || end.Duration != 17*time.Minute || end.Received != 3 {
			t.Errorf("end is %+v", end)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("client sees %v", err)
		}
	})
}

func TestTotalTimeIsBounded(t *testing.T) {
	inBubble(t, Limits{Idle: 2 * time.Hour}, func(n *pipes, _, ends <-chan Decision) {
		tunnelThrough(t, n)
		if end := <-ends; end.Failure != errTotal.Error() || end.Duration != time.Hour {
			t.Errorf("end is %+v", end)
		}
	})
}

func TestStopCutsTunnels(t *testing.T) {
	inBubble(t, Limits{}, func(n *pipes, _, ends <-chan Decision) {
		tunnelThrough(t, n)
		n.stop()
		if end := <-ends; end.Failure != errStopped.Error() {
			t.Errorf("end is %+v", end)
		}
	})
}

func TestSlowHeadIsCut(t *testing.T) {
	for _, send := range []string{"", "GET http://", "\x05", "\x05\x02\x00"} {
		inBubble(t, Limits{}, func(n *pipes, decided, _ <-chan Decision) {
			begun := time.Now()
			c := n.client()
			if _, err := io.WriteString(c, send); err != nil {
				t.Fatal(err)
			}
			_, err := io.Copy(io.Discard, c)
			if took := time.Since(begun); err != nil || took != 10*time.Second || len(decided) > 0 {
				t.Errorf("%q: cut after %s (%v), %d decisions", send, took, err, len(decided))
			}
		})
	}
}

func TestSlowLookupIsARefusal(t *testing.T) {
	inBubble(t, Limits{}, func(n *pipes, decided, _ <-chan Decision) {
		begun := time.Now()
		c := n.client()
		_, _ = io.WriteString(c, "GET http://site.test/ HTTP/1.1\r\n\r\n")
		b, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(b), "not_allowed_local") || time.Since(begun) != 2*time.Second {
			t.Errorf("after %s: %q, %v", time.Since(begun), b, err)
		}
		if d := <-decided; d.Outcome != policy.Forbid {
			t.Errorf("decision %+v", d)
		}
	})
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	inBubble(t, Limits{CallConns: 2}, func(n *pipes, _, _ <-chan Decision) {
		first, _ := n.client(), n.client()
		begun := time.Now()
		var third net.Conn
		var wg sync.WaitGroup
		wg.Go(func() { third = n.client() })
		time.Sleep(time.Second)
		_ = first.Close()
		wg.Wait()
		if took := time.Since(begun); took != time.Second || third == nil {
			t.Errorf("the third was taken after %s", took)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	c := table("**")
	c.MITM = true
	_, err := New(Options{Policy: c, Limits: Limits{Conns: -1, HeaderBytes: 10, CallConns: -1, Idle: -1}})
	for _, want := range []string{"**", "mitm", "Conns", "HeaderBytes", "Idle"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}
