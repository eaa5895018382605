package netproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"proctor/policy"
	"proctor/policy/egress"
)

// http answers the requests of a connection one after the other.
func (c *client) http(ctx context.Context) error {
	defer c.forget()
	for {
		r, err := readRequest(c.in)
		if errors.Is(err, errHeadTooLarge) && c.grow() {
			continue
		}
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
	switch {
	case r.Method == http.MethodConnect:
		ask.Protocol = egress.HTTPSConnect
	case r.socket != "":
		ask = egress.Request{Host: r.socket, Protocol: egress.Unix, Method: r.Method, Real: realPath(r.socket)}
	}
	lookup, keeps := c.p.once(ctx), c.keeps(r)
	var kept *road
	if keeps {
		kept = c.kept
		// A kept connection is judged by the address it leads to.
		lookup = func(string) ([]netip.Addr, error) { return []netip.Addr{c.kept.to.Addr()}, nil }
	}
	d, err := c.p.judgeWith(ctx, c.origin(), ask, lookup, kept)
	switch {
	case err != nil:
		return false, errors.Join(err, c.last(plain(http.StatusServiceUnavailable, "the decision could not be recorded, so the request was not sent")))
	case d.Outcome != policy.Allow && r.socket == "" && !namesHost(r.host):
		return false, c.last(plain(http.StatusBadRequest, "malformed host"))
	case d.Outcome != policy.Allow:
		return false, c.last(blocked(d))
	}
	c.within(0)
	x := c.p.begin(c.life, d)
	if ask.Protocol == egress.HTTPSConnect {
		return false, c.connect(x)
	}
	keep := false
	defer func() {
		x.end(keep)
		if !keep {
			c.kept = nil
		}
	}()
	if keeps = keeps && slices.Contains(d.Resolved, c.kept.to.Addr()); keeps {
		err = x.take(c.kept)
	} else {
		c.forget()
		err = x.dial()
	}
	if err != nil {
		return false, errors.Join(err, c.last(upstreamFailure()))
	}
	again, keep, err = c.forward(x, r, keeps)
	if keep {
		c.kept = x.road
		if !d.Repeats {
			c.kept.first = &d
		}
		c.kept.host, c.kept.port = r.host, r.port
	}
	return again, err
}

// keeps tells whether a request may go over the kept connection: to where that leads, and such that it can be sent again
// over a new one when the other side has given up the old.
func (c *client) keeps(r request) bool {
	if c.kept == nil || r.socket != "" || r.Body != nil && r.Body != http.NoBody || !c.kept.to.IsValid() {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.port == c.kept.port && strings.EqualFold(r.host, c.kept.host)
	}
	return false
}

// forget closes the kept connection.
func (c *client) forget() {
	if c.kept != nil {
		_ = c.kept.Close()
		c.kept = nil
	}
}

func (c *client) connect(x *exchange) error {
	defer x.end(false)
	if err := x.dial(); err != nil {
		return errors.Join(err, c.last(upstreamFailure()))
	}
	if _, err := io.WriteString(c.conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return x.fail(fmt.Errorf("answer CONNECT: %w", err))
	}
	x.tunnel(c.conn, c.in)
	return nil
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
