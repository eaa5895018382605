package bus

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// MaxGuests bounds the connections of other processes to an owner.
const MaxGuests = 64

// door lets the processes of the same user in to the owner's server.
type door struct {
	log     *slog.Logger
	path    string
	l       *net.UnixListener
	inside  func() (net.Conn, error) // to the server
	backlog func() int               // bytes that wait for the ledger
	ended   chan struct{}

	mu     sync.Mutex
	closed bool
	guests map[net.Conn]io.Closer // each with its connection to the server, once there is one
	work   sync.WaitGroup
}

func openDoor(dir string, log *slog.Logger, inside func() (net.Conn, error), backlog func() int) (*door, error) {
	l, err := listen(dir)
	if err != nil {
		return nil, err
	}
	d := &door{
		log: log, path: filepath.Join(dir, Socket), l: l, inside: inside, backlog: backlog,
		ended: make(chan struct{}), guests: map[net.Conn]io.Closer{},
	}
	d.work.Go(d.accept)
	return d, nil
}

func (d *door) accept() {
	for {
		conn, err := d.l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of descriptors: those that are open go on
			d.log.Warn("accept a connection to the bus", "error", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-d.ended:
				return
			}
			continue
		}
		if !d.admit(conn) {
			refuse(conn, fmt.Sprintf("%d processes are connected already", MaxGuests))
			_ = conn.Close()
		}
	}
}

// admit serves a connection if there is room for it.
func (d *door) admit(conn *net.UnixConn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.guests) >= MaxGuests {
		return false
	}
	d.guests[conn] = conn
	d.work.Go(func() { d.serve(conn) })
	return true
}

// refuse never waits: a line fits into the empty buffer of a new connection.
func refuse(conn net.Conn, why string) {
	_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = io.WriteString(conn, refused+why+"\n")
}

// guests is how many other processes are connected.
func (l *link) guests() int {
	if l.door == nil {
		return 0
	}
	l.door.mu.Lock()
	defer l.door.mu.Unlock()
	return len(l.door.guests)
}

func (d *door) serve(conn *net.UnixConn) {
	defer func() {
		_ = conn.Close()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.guests, conn)
	}()
	if err := checkPeer(conn); err != nil {
		d.log.Warn("connection to the bus refused", "error", err)
		return
	}
	_ = conn.SetDeadline(time.Now().Add(helloTimeout))
	_, err := readHello(conn)
	// The answer names our version in any case, so that both sides can name both.
	if _, werr := io.WriteString(conn, hello(Protocol, os.Getpid())); err != nil || werr != nil {
		d.log.Debug("connection to the bus ended", "error", errors.Join(err, werr))
		return
	}
	_ = conn.SetDeadline(time.Time{})
	in, err := d.inside()
	if err != nil {
		return
	}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		_ = in.Close()
		return
	}
	d.guests[conn] = in
	d.mu.Unlock()
	d.bridge(conn, in)
}

// bridge copies both ways until one side ends.
func (d *door) bridge(guest *net.UnixConn, in net.Conn) {
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(guest, in)
		_ = guest.Close()
	})
	d.bring(in, guest)
	_ = in.Close()
	_ = guest.Close()
	back.Wait()
}

// maxBacklog bounds what guests may have waiting for the ledger together: above it nothing more is read from them.
const maxBacklog = 64 << 20

// bring copies what a guest sends, no faster than the ledger takes it.
func (d *door) bring(in io.Writer, guest io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := guest.Read(buf)
		if n > 0 {
			for d.backlog() > maxBacklog {
				select {
				case <-time.After(2 * time.Millisecond):
				case <-d.ended:
					return
				}
			}
			if _, err := in.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close cuts all connections and removes the socket; what was not acknowledged, guests send to the next owner.
func (d *door) close() {
	d.mu.Lock()
	d.closed = true
	_ = os.Remove(d.path) // before the lock is given up, so that it is no other owner's
	_ = d.l.Close()
	for conn, in := range d.guests {
		_, _ = conn.Close(), in.Close()
	}
	d.mu.Unlock()
	close(d.ended)
	d.work.Wait()
}
