package netproxy

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// lingerTime and lingerBytes bound how long a client may go on sending behind the last answer; cut off at once, it
// would lose the answer to a reset.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

var writers = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}

// body is a request body that is passed on piece by piece: what was written so far is sent before more is waited for.
type body struct {
	from  io.Reader
	w     *bufio.Writer
	taken *atomic.Bool // set at its end
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.w.Flush(); err != nil {
		return 0, err
	}
	n, err := b.from.Read(p)
	if errors.Is(err, io.EOF) {
		b.taken.Store(true)
	}
	return n, err
}

// Close leaves the rest unread.
func (b *body) Close() error { return nil }

// flushing is the same for a response, of which more may be in already.
type flushing struct {
	io.ReadCloser
	w  *bufio.Writer
	in *bufio.Reader
}

func (f flushing) Read(p []byte) (int, error) {
	if f.in.Buffered() == 0 {
		if err := f.w.Flush(); err != nil {
			return 0, err
		}
	}
	return f.ReadCloser.Read(p)
}

// settle ends the connection behind a complete answer: it waits until nobody reads the request body any more, and takes a
// bounded rest of it.
func (c *client) settle(s *sending) {
	half := closeWrite(c.conn)
	c.within(lingerTime)
	if s != nil {
		s.beside.Wait()
	}
	if half == nil {
		_, _ = io.CopyN(io.Discard, c.conn, lingerBytes)
	}
}

// headLimit bounds what is read while a head is waited for.
type headLimit struct {
	from io.Reader
	left int
	on   bool
}

func (h *headLimit) limit(n int) { h.left, h.on = n, true }
func (h *headLimit) lift()       { h.on = false }

func (h *headLimit) Read(p []byte) (int, error) {
	if !h.on {
		return h.from.Read(p)
	}
	if h.left <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := h.from.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}
