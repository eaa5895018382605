package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Socket is the name of the owner's socket in the ledger directory.
const Socket = "bus.sock"

// helloTimeout bounds the first lines of a connection.
const helloTimeout = 5 * time.Second

// maxSocketPath is what fits into the address of a Unix socket on all systems.
const maxSocketPath = 100

// at calls f with a path to name in dir that fits into the address of a Unix socket.
func at(dir, name string, f func(path string) error) error {
	path := filepath.Join(dir, name)
	if len(path) <= maxSocketPath {
		return f(path)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	short := filepath.Join("/proc/self/fd", strconv.FormatUint(uint64(d.Fd()), 10), name)
	if _, err := os.Stat(filepath.Dir(short)); err != nil {
		return fmt.Errorf("path %s is too long for a socket: at most %d bytes", path, maxSocketPath)
	}
	return f(short)
}

// passFile holds what a guest must know, in a line: who can connect and not read it is a confined command. Some sandboxes
// cannot keep a command with network access from connecting to a path that they hide from it.
const passFile = "bus.pass"

func readPass(dir string) (string, error) {
	f, err := os.Open(filepath.Join(dir, passFile))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	return readLine(f)
}

// writePass makes a new pass for this owner.
func writePass(dir string) (pass string, err error) {
	pass = rand.Text()
	fresh := filepath.Join(dir, passFile+".new")
	if err := os.Remove(fresh); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(pass + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return pass, os.Rename(fresh, filepath.Join(dir, passFile))
}

// listen makes the socket in dir under its own name only when it is closed to others, in place of one that a dead owner
// left. The caller has the ledger's lock, so that no other owner lives.
func listen(dir string) (*net.UnixListener, error) {
	fresh := Socket + ".new"
	if err := os.Remove(filepath.Join(dir, fresh)); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("listen on %s: %w", filepath.Join(dir, Socket), err)
	}
	var l *net.UnixListener
	err := at(dir, fresh, func(path string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", filepath.Join(dir, Socket), err)
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(filepath.Join(dir, fresh), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(dir, fresh), filepath.Join(dir, Socket))
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen on %s: %w", filepath.Join(dir, Socket), err)
	}
	return l, nil
}

// dial connects to the owner and exchanges hellos. stays is what the owner says of itself: that it is a service.
func dial(ctx context.Context, dir string) (conn *net.UnixConn, stays bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	err = at(dir, Socket, func(path string) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err == nil {
			conn = c.(*net.UnixConn)
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	pass, err := readPass(dir)
	if err == nil {
		stays, err = greet(ctx, conn, pass)
	}
	if err != nil {
		_ = conn.Close()
		return nil, false, err
	}
	return conn, stays, nil
}

func greet(ctx context.Context, conn *net.UnixConn, pass string) (stays bool, err error) {
	if err := checkPeer(conn); err != nil {
		return false, err
	}
	until, _ := ctx.Deadline()
	_ = conn.SetDeadline(until)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write([]byte(hello(Protocol, os.Getpid(), pass))); err != nil {
		return false, fmt.Errorf("say hello: %w", err)
	}
	_, word, err := readHello(conn)
	if err != nil {
		return false, err
	}
	if !stop() {
		return false, context.Cause(ctx)
	}
	return word == service, conn.SetDeadline(time.Time{})
}

// allowed is the rule about the other end of a socket.
func allowed(uid uint32, own int) error {
	if uid != 0 && int64(uid) != int64(own) {
		return fmt.Errorf("the other end runs as user %d, expected %d or root", uid, own)
	}
	return nil
}
