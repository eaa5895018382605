package netproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/policy/egress"
)

// wire starts a server that answers each connection with f, which gets what was sent so far.
func (w *world) wire(public string, f func(n int, in *bufio.Reader, out net.Conn)) {
	w.t.Helper()
	l := w.listen(public)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				f(n, bufio.NewReader(c), c)
			})
		}
	})
	w.t.Cleanup(func() { _ = l.Close(); wg.Wait() })
}

func TestKeptRoads(t *testing.T) {
	w := newWorld(t, table("site.test", "other.test"), Limits{})
	w.name("site.test", publicA)
	w.name("site.test", "127.0.0.1") // a second lookup would be refused
	w.name("other.test", publicA)
	var conns atomic.Int32
	w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
		conns.Add(1)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(r.Host), r.Host)
		}
	})
	w.serve(nil)
	c := w.client()
	get := func(host string) {
		t.Helper()
		resp, err := c.Get("http://" + host + "/")
		if got := text(t, resp, err); got != host {
			t.Errorf("%s answers %q", host, got)
		}
	}
	for range 5 {
		get("site.test")
	}
	if len(w.dialled) != 1 || len(w.asked) != 1 || len(w.decided) != 5 {
		t.Errorf("dialled %v, asked %v, %d decisions; want one road for five decisions", w.dialled, w.asked, len(w.decided))
	}
	for range 5 {
		if end := <-w.ends; end.Sent == 0 || end.Sent > 200 || end.Received == 0 || end.Received > 200 || end.Dialled.String() != publicA+":80" {
			t.Errorf("end is %+v", end)
		}
	}
	get("other.test") // the same address under another name is another road
	if conns.Load() != 2 {
		t.Errorf("%d connections", conns.Load())
	}
}

// A road that the other side has given up is replaced, without asking for the name again and without a lost request.
func TestKeptRoadsThatDied(t *testing.T) {
	w := newWorld(t, table("site.test", publicA), Limits{})
	w.name("site.test", publicA)
	w.name("site.test", "127.0.0.1")
	w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // and closes unsaid
		}
	})
	w.serve(nil)
	client := w.client()
	for range 5 {
		resp, err := client.Get("http://site.test/")
		if got := text(t, resp, err); got != "ok" {
			t.Errorf("answer %q", got)
		}
	}
	c := w.open()
	in := bufio.NewReader(c)
	for range 5 {
		_, _ = io.WriteString(c, "GET http://"+publicA+"/ HTTP/1.1\r\nHost: "+publicA+"\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		text(t, resp, err)
	}
}

// A decision about a kept connection may be on its way to the record; a new connection waits until it is there, and is not made otherwise.
func TestANewConnectionWaitsForTheRecord(t *testing.T) {
	w := newWorld(t, table(publicA), Limits{})
	w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
		if _, err := http.ReadRequest(in); err == nil {
			_, _ = io.WriteString(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // and closes unsaid
		}
	})
	var waited, lost atomic.Int32
	w.proxy.redial = func(context.Context) error {
		waited.Add(1)
		if lost.Load() > 0 {
			return errors.New("the record is gone")
		}
		return nil
	}
	w.serve(nil)
	c := w.open()
	in := bufio.NewReader(c)
	ask := func() string {
		_, _ = io.WriteString(c, "GET http://"+publicA+"/ HTTP/1.1\r\nHost: "+publicA+"\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		return text(t, resp, err)
	}
	for range 3 {
		if got := ask(); got != "ok" {
			t.Fatalf("answer %q", got)
		}
	}
	if w.decided[0].Repeats || !w.decided[1].Repeats || w.decided[2].Repeats || waited.Load() != 1 || len(w.dialled) != 3 {
		t.Errorf("decisions %+v, waited %d times, dialled %v; want a wait for the repetition", w.decided, waited.Load(), w.dialled)
	}
	lost.Store(1)
	if got := ask(); got != "upstream failure" || len(w.dialled) != 3 {
		t.Errorf("answer %q, dialled %v", got, w.dialled)
	}
}

// Only what the record says already, word for word, is a repetition.
func TestRepetitions(t *testing.T) {
	w := newWorld(t, table(publicA), Limits{})
	w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			_, _ = io.WriteString(out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	w.serve(nil)
	c := w.open()
	in := bufio.NewReader(c)
	for i, step := range []struct {
		method  string
		before  func()
		repeats bool
	}{
		{"GET", nil, false},
		{"GET", nil, true},
		{"HEAD", nil, false}, // another method is another decision
		{"HEAD", nil, true},
		{"GET", func() { _ = w.proxy.SetPolicy(table("*.34")) }, false},
	} {
		if step.before != nil {
			step.before()
		}
		_, _ = io.WriteString(c, step.method+" http://"+publicA+"/ HTTP/1.1\r\nHost: "+publicA+"\r\n\r\n")
		resp, err := http.ReadResponse(in, &http.Request{Method: step.method})
		text(t, resp, err)
		if got := w.decided[i]; got.Repeats != step.repeats {
			t.Errorf("request %d, %s: repeats is %t", i, step.method, got.Repeats)
		}
	}
	if len(w.dialled) != 1 {
		t.Errorf("dialled %v", w.dialled)
	}
}

// What a server sends unasked behind an answer is not the answer to the next request.
func TestAnswersDoNotRunAhead(t *testing.T) {
	w := newWorld(t, table(publicA), Limits{})
	w.wire(publicA+":80", func(n int, in *bufio.Reader, out net.Conn) {
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal"+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake")
		}
	})
	w.serve(nil)
	c := w.client()
	for range 3 {
		resp, err := c.Get("http://" + publicA + "/")
		if got := text(t, resp, err); got != "real" {
			t.Errorf("answer %q", got)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	const ok = "Content-Length: 2\r\n\r\nok"
	for _, c := range []struct {
		name, answer, want string
		not                []string
	}{
		{"both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "\r\n\r\nok", []string{"Content-Length"}},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + ok, "502 ", nil},
		{"other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "502 ", nil},
		{"return in the status", "HTTP/1.1 200 OK\rX-Evil: 1\r\n" + ok, "200 OKX-Evil: 1\r\n", []string{"\rX"}},
		{"folded field", "HTTP/1.1 200 OK\r\nX-A: 1\r\n X-Evil: 2\r\n" + ok, "X-A: 1 X-Evil: 2\r\n", nil},
		{"interim answers", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + ok, "HTTP/1.1 200 OK", []string{"103", "100 "}},
		{"interim for ever", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), "502 ", nil},
		{"switch unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nstream", "502 ", []string{"\r\n\r\nstream"}},
		{"endless head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 100_000), "502 ", nil},
		{"no http", "SSH-2.0-OpenSSH\r\n", "502 ", nil},
		{"nothing", "", "502 ", nil},
		{"old server", "HTTP/1.0 200 OK\r\n\r\nuntil the end", "Connection: close\r\n\r\nuntil the end", []string{"HTTP/1.0"}},
		{"hop fields", "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: Basic\r\n" + ok, "ok", []string{"X-Private", "Keep-Alive", "Proxy-Auth"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, table(publicA), Limits{})
			w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
				if _, err := http.ReadRequest(in); err == nil {
					_, _ = io.WriteString(out, c.answer)
				}
			})
			got := w.serve(nil).raw("GET http://" + publicA + "/ HTTP/1.1\r\nHost: " + publicA + "\r\nConnection: close\r\n\r\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("answer lacks %q: %q", c.want, got)
			}
			for _, not := range c.not {
				if strings.Contains(got, not) {
					t.Errorf("answer holds %q: %q", not, got)
				}
			}
			<-w.ends
		})
	}
}

func TestUpgrade(t *testing.T) {
	limited := table(publicA)
	limited.Mode = egress.Limited
	for _, c := range []struct {
		name, fields string
		config       egress.Config
		switched     bool
	}{
		{"websocket", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", table(publicA), true},
		{"HTTP/2", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n", table(publicA), false},
		{"not named in Connection", "Upgrade: websocket\r\n", table(publicA), false},
		{"two", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", table(publicA), false},
		{"limited mode", "Connection: Upgrade\r\nUpgrade: websocket\r\n", limited, false},
		{"with a body", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nab", table(publicA), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.config, Limits{})
			w.wire(publicA+":80", func(_ int, in *bufio.Reader, out net.Conn) {
				r, err := http.ReadRequest(in)
				if err != nil {
					t.Error(err)
					return
				}
				if r.Header.Get("Upgrade") == "" {
					_, _ = io.WriteString(out, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nplain")
					return
				}
				if diff := cmp.Diff([]string{"Upgrade"}, r.Header["Connection"]); diff != "" || r.Header.Get("Keep-Alive") != "" {
					t.Errorf("destination sees %v", r.Header)
				}
				_, _ = io.WriteString(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello ")
				_, _ = io.Copy(out, in)
			})
			w.serve(nil)
			conn := w.open()
			_, _ = io.WriteString(conn, "GET http://"+publicA+"/ HTTP/1.1\r\nHost: "+publicA+"\r\n"+c.fields+"\r\nearly ")
			if c.switched {
				_, _ = io.WriteString(conn, "late")
				_ = conn.(*net.TCPConn).CloseWrite()
				b, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 101 ") || !strings.HasSuffix(string(b), "\r\n\r\nhello early late") {
					t.Errorf("answer %q, %v", b, err)
				}
				if end := <-w.ends; end.Failure != "" {
					t.Errorf("end is %+v", end)
				}
				return
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if got := text(t, resp, err); got != "plain" {
				t.Errorf("answer %q", got)
			}
		})
	}
}
