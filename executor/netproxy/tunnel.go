package netproxy

import (
	"errors"
	"io"
	"net"
	"sync"
)

// tunnel copies both ways until both sides have ended their half. early holds what the client sent already.
func (x *exchange) tunnel(client net.Conn, early io.Reader) {
	var up error
	var both sync.WaitGroup
	both.Go(func() { up = x.carry(x.upstream, early, client) })
	down := x.carry(client, x.upstream, x.upstream)
	both.Wait()
	if err := errors.Join(up, down); err != nil {
		_ = x.fail(err)
	}
}

// carry copies one direction. After an orderly end the other goes on; after a failure both sides are closed.
func (x *exchange) carry(to io.WriteCloser, from io.Reader, source io.Closer) error {
	_, err := io.Copy(onlyWriter{to}, onlyReader{from})
	if err == nil {
		_ = closeWrite(to)
		return nil
	}
	_ = to.Close()
	_ = source.Close()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil // the other direction closed it, and knows why
	}
	return err
}

// onlyReader and onlyWriter keep io.Copy away from splicing, which would pass the meter by.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
