package netproxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// forward sends a request over the exchange's road and the response back. kept says that the road was used before. again:
// the client may ask more; keep: so may the proxy on the road.
func (c *client) forward(x *exchange, r request, kept bool) (again, keep bool, err error) {
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		if _, err := io.WriteString(c.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false, false, x.fail(fmt.Errorf("ask for the body: %w", err))
		}
	}
	last, method := r.Close || !r.ProtoAtLeast(1, 1), r.Method
	c.outgoing(x, r.Request)
	sent := x.send(r.Request)
	resp, err := x.receive(r.Request) //nolint:bodyclose // pass closes it
	if err != nil && kept && x.life.ctx.Err() == nil && x.road.totals().received == x.before.received {
		// The other side gave the connection up while nobody used it.
		_ = x.road.Close()
		if err = x.dial(); err == nil {
			sent = x.send(r.Request)
			resp, err = x.receive(r.Request) //nolint:bodyclose // as above
		}
	}
	if err != nil {
		_ = x.fail(fmt.Errorf("forward request: %w", err))
		if x.road != nil {
			_ = x.road.Close()
		}
		err = c.last(upstreamFailure()) //nolint:bodyclose // holds no connection
		c.settle(sent)
		return false, false, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return false, false, c.upgraded(x, resp)
	}
	keep = !resp.Close && delimited(resp, method)
	again = c.incoming(resp, method, !last)
	err = c.pass(x, resp)
	if err != nil {
		_ = x.fail(err)
	}
	done := sent.over()
	keep = keep && err == nil && done && x.road.in.Buffered() == 0 && x.road.to.IsValid()
	if err != nil || !done || !again && c.in.Buffered() > 0 {
		if !done {
			_ = x.road.Close()
		}
		c.settle(sent)
		return false, keep, err
	}
	return again, keep, nil
}

// outgoing makes the request what the destination gets.
func (c *client) outgoing(x *exchange, r *http.Request) {
	upgrade := upgradeOf(r)
	r.RequestURI, r.Close, r.Host, r.Trailer = "", false, r.URL.Host, nil
	stripHops(r.Header)
	r.Header.Del("Expect")
	r.Header.Del(socketField)
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = nil // or one would be added
	}
	if upgrade != "" && c.p.policy.Load().Tunnels() {
		r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{upgrade}
	}
	if x.road.via != "" {
		c.p.upstream.authorise(x.decision, r.Header)
	}
}

// sending is a request on its way.
type sending struct {
	beside sync.WaitGroup // the one that sends the body, if any
	body   bool
	taken  atomic.Bool // the client has sent the whole body
	err    error
}

// over tells whether the request has been sent as a whole. Where the client has sent all of it, the rest is waited for.
func (s *sending) over() bool {
	if s.body && !s.taken.Load() {
		return false
	}
	s.beside.Wait()
	return s.err == nil
}

// send writes the request; one with a body goes on beside the answer.
func (x *exchange) send(r *http.Request) *sending {
	s := &sending{}
	if r.Body == nil || r.Body == http.NoBody {
		s.err = x.write(r, s)
		return s
	}
	s.body = true
	s.beside.Go(func() { s.err = x.write(r, s) })
	return s
}

func (x *exchange) write(r *http.Request, s *sending) error {
	w := writers.Get().(*bufio.Writer)
	w.Reset(x.road)
	defer func() { w.Reset(nil); writers.Put(w) }()
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &body{from: r.Body, w: w, taken: &s.taken}
	}
	put := r.Write
	if x.road.via != "" {
		put = r.WriteProxy
	}
	if err := put(w); err != nil {
		return err
	}
	return w.Flush()
}

// maxInterim bounds the 1xx answers to one request.
const maxInterim = 16

// receive reads the head of the final response.
func (x *exchange) receive(r *http.Request) (*http.Response, error) {
	d := x.road
	if d.in == nil {
		d.head.from = d
		d.in = bufio.NewReader(&d.head)
	}
	for range maxInterim {
		d.head.limit(x.p.limits.HeaderBytes)
		resp, err := http.ReadResponse(d.in, r)
		d.head.lift()
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errors.New("destination sends one interim answer after the other")
}

// incoming makes the response what the client gets; again tells whether it can ask more behind it.
func (c *client) incoming(resp *http.Response, method string, again bool) bool {
	stripHops(resp.Header)
	again = again && delimited(resp, method)
	if resp.Close = !again; resp.Close {
		resp.TransferEncoding = nil // such a response ends with the connection
	}
	resp.Status = printable(resp.Status)
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", 1, 1
	return again
}

// pass writes the response to the client and closes its body.
func (c *client) pass(x *exchange, resp *http.Response) error {
	w := writers.Get().(*bufio.Writer)
	w.Reset(c.conn)
	defer func() { w.Reset(nil); writers.Put(w) }()
	if resp.Body != http.NoBody {
		resp.Body = flushing{resp.Body, w, x.road.in}
	}
	err := errors.Join(resp.Write(onlyWriter{w}), w.Flush())
	if err != nil {
		_ = x.road.Close() // Close would read the rest
		_ = resp.Body.Close()
		return fmt.Errorf("pass response on: %w", err)
	}
	_ = resp.Body.Close()
	return nil
}

// delimited: the client can tell where the response ends while the connection stays open.
func delimited(resp *http.Response, method string) bool {
	return resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || method == http.MethodHead ||
		resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
}

// printable leaves out what could begin another line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
