package bus

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// MaxGuests bounds the connections of other processes to an owner.
const MaxGuests = 64

// door lets the processes of the same user in to the owner's server.
type door struct {
	log     *slog.Logger
	path    string
	pass    string
	word    string // of the owner's hello
	l       *net.UnixListener
	inside  func() (net.Conn, error) // to the server
	backlog func() int               // bytes that wait for the ledger
	ended   chan struct{}

	mu        sync.Mutex
	closed    bool
	strangers []net.Conn             // that have not said hello, oldest first
	guests    map[net.Conn]io.Closer // each with its connection to the server
	work      sync.WaitGroup
}

func openDoor(dir, word string, log *slog.Logger, inside func() (net.Conn, error), backlog func() int) (*door, error) {
	pass, err := writePass(dir)
	if err != nil {
		return nil, fmt.Errorf("make the pass for other processes: %w", err)
	}
	l, err := listen(dir)
	if err != nil {
		return nil, err
	}
	d := &door{
		log: log, pass: pass, word: word, path: filepath.Join(dir, Socket), l: l, inside: inside, backlog: backlog,
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
		d.receive(conn)
	}
}

// receive begins to serve a connection. Those that have not said hello are bounded by ending the oldest: a process
// of ours says it at once, and nobody else can keep the door shut.
func (d *door) receive(conn *net.UnixConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = conn.Close()
		return
	}
	if len(d.strangers) == MaxGuests {
		_ = d.strangers[0].Close()
		d.strangers = d.strangers[1:]
	}
	d.strangers = append(d.strangers, conn)
	d.work.Go(func() { d.serve(conn) })
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
	defer func() { _ = conn.Close() }()
	in, err := d.welcome(conn)
	d.mu.Lock()
	d.strangers = slices.DeleteFunc(d.strangers, func(c net.Conn) bool { return c == conn })
	d.mu.Unlock()
	if err != nil {
		d.log.Debug("connection to the bus refused", "error", err)
		return
	}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.guests, conn)
	}()
	d.bridge(conn, in)
}

var errPass = errors.New("it does not know the pass of the ledger's folder")

// welcome makes a guest of a connection.
func (d *door) welcome(conn *net.UnixConn) (in net.Conn, err error) {
	if err := checkPeer(conn); err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(helloTimeout))
	_, pass, err := readHello(conn)
	if err == nil && subtle.ConstantTimeCompare([]byte(pass), []byte(d.pass)) == 0 {
		err = errPass
	}
	if err == nil {
		in, err = d.admit(conn)
	}
	answer := hello(Protocol, os.Getpid(), d.word)
	if err != nil && !errors.Is(err, ErrProtocol) { // the hello names both versions
		answer = refused + err.Error() + "\n"
	}
	_, werr := io.WriteString(conn, answer)
	_ = conn.SetDeadline(time.Time{})
	if err == nil && werr != nil { // bridge ends at once
		d.log.Debug("connection to the bus ended", "error", werr)
	}
	return in, err
}

// admit gives a connection its place inside, if there is one.
func (d *door) admit(conn *net.UnixConn) (in net.Conn, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return nil, ErrClosed
	case len(d.guests) == MaxGuests:
		return nil, fmt.Errorf("%d processes are connected already", MaxGuests)
	}
	if in, err = d.inside(); err == nil {
		d.guests[conn] = in
	}
	return in, err
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
	for _, conn := range d.strangers {
		_ = conn.Close()
	}
	d.mu.Unlock()
	close(d.ended)
	d.work.Wait()
}
