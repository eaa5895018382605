package netproxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/proxy"

	"proctor/policy/egress"
)

// world is a proxy on loopback whose public internet is a table: names to answers, addresses to listeners.
type world struct {
	t       *testing.T
	names   map[string][][]netip.Addr // one element for each time the name is asked; the last repeats
	routes  map[string]string         // public address:port to a listener's address
	refuse  error                     // what OnDecision returns
	proxy   *Proxy
	address string
	stop    context.CancelFunc
	stopped chan error

	mu      sync.Mutex
	asked   []string
	dialled []string
	decided []Decision
	closed  []Decision
	ends    chan Decision
}

const (
	publicA = "93.184.216.34"
	publicB = "93.184.216.35"
)

func table(domains ...string) egress.Config {
	c := egress.DefaultConfig()
	c.Enabled, c.Domains = true, map[string]string{}
	for _, d := range domains {
		name, verdict, ok := strings.Cut(d, "=")
		if !ok {
			verdict = "allow"
		}
		c.Domains[name] = verdict
	}
	return c
}

func newWorld(t *testing.T, c egress.Config, limits Limits) *world {
	t.Helper()
	w := &world{t: t, names: map[string][][]netip.Addr{}, routes: map[string]string{}, stopped: make(chan error, 1), ends: make(chan Decision, 100)}
	p, err := New(Options{Policy: c, Resolver: w, Dialer: w, OnDecision: w.onDecision, OnClose: w.onClose, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	w.proxy = p
	return w
}

// serve starts the proxy on l, or on loopback TCP.
func (w *world) serve(l net.Listener) *world {
	w.t.Helper()
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			w.t.Fatal(err)
		}
	}
	w.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	var wg sync.WaitGroup
	wg.Go(func() { w.stopped <- w.proxy.Serve(ctx, Inlet{Listener: l, Call: "run-1"}) })
	w.t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

func (w *world) name(host string, answers ...string) {
	var list []netip.Addr
	for _, a := range answers {
		list = append(list, netip.MustParseAddr(a))
	}
	w.names[host] = append(w.names[host], list)
}

func (w *world) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, host)
	answers, ok := w.names[host]
	if !ok {
		return nil, errors.New("no such host")
	}
	if len(answers) > 1 {
		w.names[host] = answers[1:]
	}
	return answers[0], ctx.Err()
}

func (w *world) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	to, ok := w.routes[address]
	w.mu.Unlock()
	if !ok {
		return nil, errors.New("connection refused")
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

func (w *world) onDecision(_ context.Context, d Decision) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decided = append(w.decided, d)
	if len(w.dialled) > len(w.decided)-1 {
		w.t.Errorf("dialled before the decision was taken over")
	}
	return w.refuse
}

func (w *world) onClose(d Decision) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = append(w.closed, d)
	w.ends <- d
}

// site starts a real HTTP server behind a public address.
func (w *world) site(public string, h http.Handler) {
	w.t.Helper()
	l := w.listen(public)
	s := &http.Server{Handler: h}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	w.t.Cleanup(func() { _ = s.Close(); wg.Wait() })
}

// echo starts a server that sends back what it gets.
func (w *world) echo(public string) {
	w.t.Helper()
	l := w.listen(public)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	w.t.Cleanup(func() { _ = l.Close(); wg.Wait() })
}

func (w *world) listen(public string) net.Listener {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.routes[public] = l.Addr().String()
	return l
}

// client is an HTTP client that goes through the proxy.
func (w *world) client() *http.Client {
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: w.address})}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (w *world) socks() proxy.Dialer {
	d, err := proxy.SOCKS5("tcp", w.address, nil, proxy.Direct)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// raw sends text and returns all that comes back until the proxy closes.
func (w *world) raw(text string) string {
	w.t.Helper()
	c := w.open()
	if _, err := io.WriteString(c, text); err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		w.t.Fatalf("read answer to %q: %v", text, err)
	}
	_ = c.Close()
	return string(b)
}

func (w *world) open() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// connect opens a CONNECT tunnel and returns the status line.
func (w *world) connect(target string) (net.Conn, *bufio.Reader, int) {
	w.t.Helper()
	c := w.open()
	if _, err := io.WriteString(c, "CONNECT "+target+" HTTP/1.1\r\nHost: "+target+"\r\n\r\n"); err != nil {
		w.t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		w.t.Fatal(err)
	}
	return c, in, resp.StatusCode
}

func (w *world) last() Decision {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.decided) == 0 {
		w.t.Fatal("no decision")
	}
	return w.decided[len(w.decided)-1]
}
