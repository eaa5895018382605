package netproxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// tunnel copies both ways until both sides have ended their half. early holds what the client sent already.
func (x *exchange) tunnel(client net.Conn, early io.Reader) { x.tunnelFrom(client, early, x.road) }

// tunnelFrom is tunnel where the destination has sent something already.
func (x *exchange) tunnelFrom(client net.Conn, early, back io.Reader) {
	var up error
	var ended atomic.Int32
	var other sync.WaitGroup
	x.life.beside(&other, func() { up = x.carry(x.road, early, client, &ended) })
	down := x.carry(client, back, x.road, &ended)
	other.Wait()
	_, _ = client.Close(), x.road.Close()
	if err := errors.Join(up, down); err != nil {
		_ = x.fail(err)
	}
}

// pieces are the buffers of tunnels.
var pieces = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// carry copies one direction. After an orderly end the other goes on, and when that has ended too the caller closes both sides; after a
// failure they are closed here.
func (x *exchange) carry(to io.WriteCloser, from io.Reader, source io.Closer, ended *atomic.Int32) error {
	piece := pieces.Get().(*[32 << 10]byte)
	// Without splicing, which would pass the counters by.
	_, err := io.CopyBuffer(onlyWriter{to}, onlyReader{from}, piece[:])
	pieces.Put(piece)
	if err == nil {
		if ended.Add(1) == 1 {
			_ = closeWrite(to)
		}
		return nil
	}
	_ = to.Close()
	_ = source.Close()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil // the other direction closed it, and knows why
	}
	return err
}

// onlyReader and onlyWriter hide every other way of copying.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
