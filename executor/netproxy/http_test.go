package netproxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
	"proctor/policy"
	"proctor/policy/egress"
)

func text(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestForwardReachesTheJudgedAddressOnly(t *testing.T) {
	w := newWorld(t, table("site.test"), Limits{})
	w.site(publicA+":80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, "%s %s %s", r.Method, r.Host, r.URL)
	}))
	// A rebinding server: public when it is checked, loopback when it is asked again.
	w.name("site.test", publicA)
	w.name("site.test", "127.0.0.1")
	w.serve(nil)

	resp, err := w.client().Get("http://site.test/a/b?c=d")
	if got := text(t, resp, err); got != "GET site.test /a/b?c=d" {
		t.Errorf("body is %q", got)
	}
	end := <-w.ends
	if diff := cmp.Diff([]string{"site.test"}, w.asked); diff != "" {
		t.Errorf("names asked:\n%s", diff)
	}
	if diff := cmp.Diff([]string{publicA + ":80"}, w.dialled); diff != "" {
		t.Errorf("addresses dialled:\n%s", diff)
	}
	if end.Sent == 0 || end.Received == 0 || end.Failure != "" || end.Dialled.String() != publicA+":80" || end.ID != w.last().ID {
		t.Errorf("end is %+v", end)
	}
}

func TestBlockedAnswers(t *testing.T) {
	limited := table("*")
	limited.Mode = egress.Limited
	off := table("*")
	off.Enabled = false
	for _, c := range []struct {
		name, send string
		config     egress.Config
		want       []string
	}{
		{"miss", "GET http://Nope.test:81/ HTTP/1.1\r\nHost: nope.test:81\r\n\r\n", table("site.test"), []string{
			"HTTP/1.1 403 Forbidden\r\n", "Content-Type: application/json\r\n", "X-Proxy-Error: blocked-by-allowlist\r\n",
			"\r\n\r\n" + `{"status":"blocked","host":"nope.test","reason":"not_allowed","decision":"deny","source":"baseline_policy","protocol":"http","port":81,"message":"Domain not in allowlist."}`,
		}},
		{"origin form", "GET / HTTP/1.1\r\nHost: nope.test\r\n\r\n", table(), []string{"403", `"host":"nope.test"`, `"port":80`}},
		{"denied", "GET http://bad.test/ HTTP/1.1\r\n\r\n", table("*", "bad.test=deny"), []string{"403", "blocked-by-denylist", `"reason":"denied"`}},
		{"local", "GET http://10.0.0.1/ HTTP/1.1\r\n\r\n", table("*"), []string{"403", "blocked-by-allowlist", `"reason":"not_allowed_local"`}},
		{"local answer", "GET http://inner.test/ HTTP/1.1\r\n\r\n", table("*"), []string{"403", `"reason":"not_allowed_local"`}},
		{"denied answer", "GET http://alias.test/ HTTP/1.1\r\n\r\n", table("*", publicB+"=deny"), []string{"403", "blocked-by-denylist", `"host":"alias.test"`}},
		{"method", "POST http://site.test/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", limited, []string{"403", "blocked-by-method-policy", `"source":"mode_guard"`}},
		{"disabled", "GET http://site.test/ HTTP/1.1\r\n\r\n", off, []string{"503", "blocked-by-policy", "network proxy is disabled"}},
		{"connect", "CONNECT nope.test:443 HTTP/1.1\r\nHost: nope.test:443\r\n\r\n", table(), []string{
			"403", "Content-Type: text/plain\r\n", "X-Proxy-Error: blocked-by-allowlist\r\n", "\r\n\r\nDomain not in allowlist.",
		}},
		{"connect limited", "CONNECT site.test:443 HTTP/1.1\r\n\r\n", limited, []string{"403", "blocked-by-mitm-required", "\r\n\r\nMITM required for limited HTTPS."}},
		{"malformed host", "GET http://a..b/ HTTP/1.1\r\n\r\n", table("*"), []string{"400", "malformed host"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.config, Limits{})
			w.name("inner.test", publicA, "192.168.1.1")
			w.name("alias.test", publicA, publicB)
			got := w.serve(nil).raw(c.send)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("answer lacks %q:\n%s", want, got)
				}
			}
			if strings.HasPrefix(c.want[len(c.want)-1], "\r\n\r\n") && !strings.HasSuffix(got, c.want[len(c.want)-1]) {
				t.Errorf("answer goes on behind its body:\n%s", got)
			}
			if d := w.last(); d.Outcome != policy.Forbid || len(w.decided) != 1 || len(w.dialled) != 0 || len(w.closed) != 0 {
				t.Errorf("decisions %+v, dialled %v, closed %v", w.decided, w.dialled, w.closed)
			}
		})
	}
}

func TestUndecidedAnswers(t *testing.T) {
	for _, c := range []struct{ name, send, want string }{
		{"host mismatch", "GET http://site.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n", "400 Bad Request"},
		{"host port mismatch", "GET http://site.test:8080/ HTTP/1.1\r\nHost: site.test\r\n\r\n", "Host header does not match request target"},
		{"two hosts", "GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\nHost: other.test\r\n\r\n", "more than one Host"},
		{"two unix sockets", "GET http://localhost/ HTTP/1.1\r\nx-unix-socket: /run/a\r\nX-Unix-Socket: /run/b\r\n\r\n", "400"},
		{"tunnel to a unix socket", "CONNECT site.test:80 HTTP/1.1\r\nx-unix-socket: /run/a\r\n\r\n", "400"},
		{"non-ascii", "GET http://b\xc3\xbccher.test/ HTTP/1.1\r\n\r\n", "400"},
		{"https target", "GET https://site.test/ HTTP/1.1\r\n\r\n", "400"},
		{"connect without port", "CONNECT site.test HTTP/1.1\r\n\r\n", "400"},
		{"connect port 0", "CONNECT site.test:0 HTTP/1.1\r\n\r\n", "400"},
		{"connect other host", "CONNECT site.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n", "400"},
		{"no host", "GET / HTTP/1.0\r\n\r\n", "400"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: site.test\r\n\r\n", "400"},
		{"folded", "GET / HTTP/1.1\r\nHost: site.test\r\n more\r\n\r\n", "400"},
		{"bare newline", "GET http://site.test/ HTTP/1.1\nHost: site.test\n\n", "400"},
		{"bare return", "GET http://site.test/ HTTP/1.1\r\nX: a\rHost: other.test\r\n\r\n", "400"},
		{"http 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
		{"head too large", "GET http://site.test/" + strings.Repeat("a", 2048), "431"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, table("*"), Limits{HeaderBytes: 1024}).serve(nil)
			if got := w.raw(c.send); !strings.Contains(got, c.want) {
				t.Errorf("answer lacks %q:\n%s", c.want, got)
			}
			if len(w.decided)+len(w.dialled)+len(w.asked) > 0 {
				t.Errorf("decided %v, dialled %v, asked %v", w.decided, w.dialled, w.asked)
			}
		})
	}
}

func TestHopByHopFieldsStay(t *testing.T) {
	w := newWorld(t, table("site.test"), Limits{})
	w.name("site.test", publicA)
	var got http.Header
	w.site(publicA+":80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		rw.Header().Set("Proxy-Authenticate", "Basic")
		rw.Header().Set("X-End", "2")
	}))
	answer := w.serve(nil).raw("GET http://user:pw@site.test/ HTTP/1.1\r\nHost: site.test\r\nConnection: close, X-Private\r\nX-Private: 1\r\n" +
		"Proxy-Authorization: Basic eA==\r\nProxy-Connection: X-Other\r\nX-Other: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-End: 2\r\n\r\n")
	if diff := cmp.Diff(http.Header{"X-End": {"2"}}, got); diff != "" {
		t.Errorf("fields at the destination:\n%s", diff)
	}
	if strings.Contains(answer, "Proxy-Authenticate") || !strings.Contains(answer, "X-End: 2") {
		t.Errorf("answer:\n%s", answer)
	}
}

func TestLargeHeads(t *testing.T) {
	w := newWorld(t, table(publicA), Limits{})
	w.site(publicA+":80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(rw, "<%d %s>", len(r.Header.Get("X-Large")), b)
	}))
	w.serve(nil)
	one := func(n int) string {
		return "POST http://" + publicA + "/ HTTP/1.1\r\nHost: " + publicA + "\r\nX-Large: " + strings.Repeat("a", n) + "\r\nContent-Length: 3\r\n\r\none"
	}
	got := w.raw(one(10) + one(4000) + one(5000) + one(60_000) + one(10) + one(70_000))
	at := 0
	for _, want := range []string{"<10 one>", "<4000 one>", "<5000 one>", "<60000 one>", "<10 one>", "431 "} {
		i := strings.Index(got[at:], want)
		if i < 0 {
			t.Fatalf("answers lack %q in its place:\n%s", want, got)
		}
		at += i
	}
}

func TestFieldsNamedInConnection(t *testing.T) {
	h := http.Header{"Connection": {"X-A, x-b", "X-C"}, "X-A": {"1"}, "X-B": {"1"}, "X-C": {"1"}, "X-D": {"1"}, "Keep-Alive": {"1"}}
	stripHops(h)
	if diff := cmp.Diff(http.Header{"X-D": {"1"}}, h); diff != "" {
		t.Error(diff)
	}
}

func TestOneConnectionCarriesManyRequests(t *testing.T) {
	w := newWorld(t, table("site.test", "bad.test=deny"), Limits{})
	w.name("site.test", publicA)
	w.site(publicA+":80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(rw, "<%s>", b)
	}))
	w.serve(nil)
	// Pipelined: what follows a body must not be taken for it, and each request is judged for itself.
	got := w.raw("POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\nContent-Length: 3\r\n\r\none" +
		"POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n" +
		"POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nthree" +
		"GET http://bad.test/ HTTP/1.1\r\nHost: bad.test\r\n\r\n")
	at := 0
	for _, want := range []string{"<one>", "<two>", "100 Continue", "<three>", "blocked-by-denylist"} {
		i := strings.Index(got[at:], want)
		if i < 0 {
			t.Fatalf("answers lack %q in its place:\n%s", want, got)
		}
		at += i
	}
	if strings.Count(got, "Connection: close") != 1 {
		t.Errorf("not only the last answer closes:\n%s", got)
	}
	if len(w.decided) != 4 || len(w.dialled) != 3 {
		t.Errorf("%d decisions, dialled %v", len(w.decided), w.dialled)
	}
}

func TestStreamIsPassedOnPieceByPiece(t *testing.T) {
	w := newWorld(t, table("site.test"), Limits{})
	w.name("site.test", publicA)
	next := make(chan struct{})
	w.site(publicA+":80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for range 2 {
			_, _ = io.WriteString(rw, "piece")
			rw.(http.Flusher).Flush()
			<-next
		}
	}))
	w.serve(nil)
	resp, err := w.client().Get("http://site.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for range 2 {
		if _, err := io.ReadFull(resp.Body, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		next <- struct{}{} // only now does the server go on
	}
}

func TestEarlyAnswerToAnUnreadBody(t *testing.T) {
	w := newWorld(t, table("site.test"), Limits{})
	w.name("site.test", publicA)
	w.site(publicA+":80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusRequestEntityTooLarge)
	}))
	w.serve(nil)
	c := w.open()
	if _, err := io.WriteString(c, "POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\nContent-Length: 1000000\r\n\r\npart"); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil || !strings.Contains(string(b), "413 ") {
		t.Errorf("answer %q, %v", b, err)
	}
	if end := <-w.ends; end.Duration > 5*time.Second { // the client that never goes away is not waited for
		t.Errorf("end is %+v", end)
	}
}

func TestConnect(t *testing.T) {
	w := newWorld(t, table("site.test", "dead.test"), Limits{})
	w.name("site.test", publicB, publicA) // the first one does not answer
	w.name("dead.test", publicB)
	w.echo(publicA + ":443")
	w.serve(nil)

	if _, _, status := w.connect("dead.test:443"); status != http.StatusBadGateway {
		t.Errorf("dead destination: status %d", status)
	}
	if end := <-w.ends; !strings.Contains(end.Failure, "connection refused") || end.Dialled.IsValid() {
		t.Errorf("end is %+v", end)
	}
	c, in, status := w.connect("site.test:443")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(in); string(b) != "hello" || err != nil {
		t.Errorf("echo is %q, %v", b, err)
	}
	if end := <-w.ends; end.Sent != 5 || end.Received != 5 || end.Failure != "" {
		t.Errorf("end is %+v", end)
	}
}

func TestUnreportedDecisionStopsTheRequest(t *testing.T) {
	w := newWorld(t, table(publicA), Limits{})
	w.refuse = errors.New("ledger is full")
	w.echo(publicA + ":80")
	w.serve(nil)
	if got := w.raw("GET http://" + publicA + "/ HTTP/1.1\r\n\r\n"); !strings.Contains(got, "503 ") {
		t.Errorf("answer:\n%s", got)
	}
	if _, err := w.socks().Dial("tcp", publicA+":80"); err == nil {
		t.Error("SOCKS connected")
	}
	if len(w.dialled) > 0 || len(w.closed) > 0 {
		t.Errorf("dialled %v", w.dialled)
	}
}

func TestLocalBindingResolvesOnce(t *testing.T) {
	c := table("intranet.test", "10.9.9.9=deny", "hidden.test")
	c.AllowLocalBinding = true
	w := newWorld(t, c, Limits{})
	w.name("intranet.test", "10.1.2.3")
	w.name("intranet.test", "10.9.9.9")
	w.name("hidden.test", "10.1.2.3", "10.9.9.9")
	w.echo("10.1.2.3:443")
	w.serve(nil)
	if _, _, status := w.connect("intranet.test:443"); status != http.StatusOK || len(w.asked) != 1 {
		t.Errorf("status %d, asked %v", status, w.asked)
	}
	if _, _, status := w.connect("hidden.test:443"); status != http.StatusForbidden {
		t.Errorf("a name of a denied address: status %d", status)
	}
	if _, _, status := w.connect("gone.test:443"); status != http.StatusForbidden {
		t.Errorf("a miss: status %d", status)
	}
}

func TestUnixSocketListener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, table(), Limits{}).serve(l)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET http://site.test/ HTTP/1.1\r\n\r\n")
	if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), "403 ") {
		t.Errorf("answer %q, %v", b, err)
	}
	want := &event.NetworkPolicyDecisionPayload{
		Scope: "domain", Decision: "deny", Source: "baseline_policy", Reason: "not_allowed", Protocol: "http", Host: "site.test",
		Port: 80, Method: "GET", Client: "unknown", Execution: "run-1",
	}
	if diff := cmp.Diff(want, Payload(w.last())); diff != "" {
		t.Error(diff)
	}
}
