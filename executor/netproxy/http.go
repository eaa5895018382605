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

	"proctor/policy"
	"proctor/policy/egress"
)

// http answers the requests of a connection one after the other.
func (c *client) http(ctx context.Context) error {
	for {
		r, err := readRequest(c.in)
		if err != nil {
			if b, ok := errors.AsType[badRequest](err); ok {
				return c.last(plain(b.status, b.text))
			}
			return fmt.Errorf("read request: %w", err)
		}
		again, err := c.request(ctx, r)
		if err != nil || !again {
			return err
		}
		c.within(c.p.limits.Idle)
		if _, err := c.in.Peek(1); err != nil {
			return nil // the client has no more to ask
		}
		c.within(c.p.limits.Header)
	}
}

// request judges and carries one request; again tells whether the connection can take another.
func (c *client) request(ctx context.Context, r request) (again bool, err error) {
	ask := egress.Request{Host: r.host, Port: r.port, Protocol: egress.HTTP, Method: r.Method}
	if r.Method == http.MethodConnect {
		ask.Protocol = egress.HTTPSConnect
	}
	d, err := c.p.judge(ctx, c.origin(), ask)
	switch {
	case err != nil:
		return false, errors.Join(err, c.last(plain(http.StatusServiceUnavailable, "the decision could not be recorded, so the request was not sent")))
	case d.Outcome != policy.Allow && !namesHost(r.host):
		return false, c.last(plain(http.StatusBadRequest, "malformed host"))
	case d.Outcome != policy.Allow:
		return false, c.last(blocked(d))
	}
	c.within(0)
	x := c.p.begin(ctx, d)
	x.attach(c.conn)
	defer x.end()
	if err := x.dial(); err != nil {
		return false, errors.Join(err, c.last(upstreamFailure()))
	}
	if ask.Protocol == egress.HTTPSConnect {
		return false, c.connect(x)
	}
	return c.forward(x, r.Request)
}

// connect is called when the destination is connected.
func (c *client) connect(x *exchange) error {
	if _, err := io.WriteString(c.conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return x.fail(fmt.Errorf("answer CONNECT: %w", err))
	}
	x.tunnel(c.conn, c.in)
	return nil
}

// forward sends a request over the exchange's connection and the response back.
func (c *client) forward(x *exchange, r *http.Request) (again bool, err error) {
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		if _, err := io.WriteString(c.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false, x.fail(fmt.Errorf("ask for the body: %w", err))
		}
	}
	out, sent := outgoing(x.ctx, r)
	transport := single(x.upstream, c.p.limits.HeaderBytes)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(out)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		_ = resp.Body.Close()
		err = errors.New("destination switched protocols unasked")
	}
	if err != nil {
		_ = x.fail(fmt.Errorf("forward request: %w", err))
		_ = x.upstream.Close()
		err = c.last(upstreamFailure())
		c.settle(sent)
		return false, err
	}
	again = !r.Close && r.ProtoAtLeast(1, 1)
	stripHops(resp.Header)
	again = again && delimited(resp, r.Method)
	if resp.Close = !again; resp.Close {
		resp.TransferEncoding = nil // such a response ends with the connection
	}
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", 1, 1
	err = c.pass(resp)
	_ = x.upstream.Close()
	if err != nil {
		_ = x.fail(err)
	}
	if err != nil || !again || !sent.whole() {
		c.settle(sent)
		return false, err
	}
	return true, nil
}

// pass writes the response to the client and closes its body.
func (c *client) pass(resp *http.Response) error {
	w := bufio.NewWriter(c.conn)
	resp.Body = flushing{resp.Body, w}
	err := errors.Join(resp.Write(onlyWriter{w}), w.Flush())
	_ = resp.Body.Close()
	if err != nil {
		return fmt.Errorf("pass response on: %w", err)
	}
	return nil
}

// delimited: the client can tell where the response ends while the connection stays open.
func delimited(resp *http.Response, method string) bool {
	return resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || method == http.MethodHead ||
		resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
}

// outgoing is the request as the destination gets it.
func outgoing(ctx context.Context, r *http.Request) (*http.Request, *body) {
	out := r.Clone(ctx)
	out.RequestURI, out.Close, out.Host = "", false, r.URL.Host
	stripHops(out.Header)
	out.Header.Del("Expect")
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // or the transport would add its own
	}
	sent := &body{from: r.Body, closed: make(chan struct{})}
	if r.Body == nil || r.Body == http.NoBody {
		out.Body = http.NoBody
		return out, nil
	}
	out.Body = sent
	return out, sent
}

// single is a transport for one request over one connection.
func single(conn net.Conn, maxHeader int) *http.Transport {
	once := make(chan net.Conn, 1)
	once <- conn
	return &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: int64(maxHeader),
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			select {
			case c := <-once:
				return c, nil
			default:
				return nil, errors.New("the destination was connected already")
			}
		},
	}
}

// last answers and ends the connection.
func (c *client) last(r *http.Response) error {
	c.within(c.p.limits.Header)
	w := bufio.NewWriter(c.conn)
	r.Close = true
	if err := errors.Join(r.Write(w), w.Flush()); err != nil {
		return fmt.Errorf("answer client: %w", err)
	}
	c.settle(nil)
	return nil
}

// flushing sends what was written so far before it waits for more: a stream is passed on piece by piece.
type flushing struct {
	io.ReadCloser
	w *bufio.Writer
}

func (f flushing) Read(p []byte) (int, error) {
	if err := f.w.Flush(); err != nil {
		return 0, err
	}
	return f.ReadCloser.Read(p)
}
