package netproxy

import (
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

// body is a request body on its way to the transport, which may go on reading it after the response came.
type body struct {
	from   io.Reader
	eof    atomic.Bool
	once   sync.Once
	closed chan struct{} // closed when the transport is done with it
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if errors.Is(err, io.EOF) {
		b.eof.Store(true)
	}
	return n, err
}

// Close leaves the rest unread.
func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// whole tells whether all of the body was taken; it then waits until nobody reads any more. A nil body is none.
func (b *body) whole() bool {
	if b == nil {
		return true
	}
	if !b.eof.Load() {
		return false
	}
	<-b.closed
	return true
}

// settle ends the connection behind a complete answer: it waits until the transport has let go of the body, and takes a
// bounded rest of it.
func (c *client) settle(b *body) {
	half := closeWrite(c.conn)
	c.within(lingerTime)
	if b != nil {
		<-b.closed
	}
	if half == nil {
		_, _ = io.CopyN(io.Discard, c.conn, lingerBytes)
	}
}
