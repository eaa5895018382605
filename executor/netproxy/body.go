package netproxy

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
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

// whole waits for nothing: it tells whether all of the body was taken and nobody reads any more. A nil body is none.
func (b *body) whole() bool {
	if b == nil {
		return true
	}
	select {
	case <-b.closed:
		return b.eof.Load()
	default:
		return false
	}
}

// settle closes the client and waits until the transport has let go of its body.
func (c *client) settle(b *body) error {
	err := c.conn.Close()
	if b != nil {
		<-b.closed
	}
	return err
}
