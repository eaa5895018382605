package netproxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// passing: the machine is short of something, or the client has gone already.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func pause(ctx context.Context) bool {
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// client is one connection to the proxy.
type client struct {
	p    *Proxy
	from *inlet
	life *lifetime
	conn net.Conn
	in   *bufio.Reader // grows to what a head may take
	kept *road         // of the last request, when it can take another; or nil
}

func (i *inlet) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	p := i.p
	life := p.live(ctx, conn)
	defer life.end()
	life.workers = i.workers
	c := &client{p: p, from: i, life: life, conn: conn, in: p.readers.Get().(*bufio.Reader)}
	c.in.Reset(conn)
	defer func() {
		if c.in.Size() <= commonHead {
			c.in.Reset(nil)
			p.readers.Put(c.in)
		}
	}()
	c.within(p.limits.Header)
	first, err := c.in.Peek(1)
	if err != nil {
		return
	}
	if first[0] == socksVersion {
		err = c.socks(life.ctx)
	} else {
		err = c.http(life.ctx)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		p.log.Debug("network proxy connection ended", "client", c.address(), "err", err)
	}
}

// commonHead is enough for nearly every head, in bytes.
const commonHead = 4 << 10

// grow makes room for a head that is larger than most; false when it is larger than it may be.
func (c *client) grow() bool {
	if c.in.Size() >= c.p.limits.HeaderBytes {
		return false
	}
	early, _ := c.in.Peek(c.in.Buffered()) // cannot fail: it is there
	c.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), c.conn), c.p.limits.HeaderBytes)
	return true
}

// within bounds the next reads and writes; zero lifts the bound.
func (c *client) within(d time.Duration) {
	var t time.Time
	if d > 0 {
		t = time.Now().Add(d)
	}
	_ = c.conn.SetDeadline(t) // a connection that refuses is closed by the total limit
}

func (c *client) origin() origin { return origin{c.from.Call, c.address()} }

// address is empty for a Unix socket without a name.
func (c *client) address() string {
	a := c.conn.RemoteAddr()
	if a == nil || a.String() == "@" {
		return ""
	}
	return a.String()
}
